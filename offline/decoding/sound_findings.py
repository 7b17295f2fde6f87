"""Faults of a file's sound: clipping, one value alone, values not finite, channels that cancel out, a narrow band."""

import numpy as np
from numpy.typing import NDArray

from ...models.contract import AUDIO_RATE_HZ, FloatArray
from ...models.signals.speech.microphone_level import CLIPPED_AT, CLIPPED_FRACTION

_CANCELLED = 0.1  # fraction of the power that the mean of unrelated channels has; below it is 10 dB less
_HEARD = 1e-8  # mean square; quieter channels are silent, not inverted
_VOICE_HZ, _ABOVE_HZ = (300.0, 3400.0), (4200.0, 7500.0)
# Mean power of the upper band relative to the lower one: 250 files of EMO-DB and of RAVDESS have -30 dB and more, the
# same through a telephone's filter -37 dB and less (rounding of quiet ones fills the band), half of them -64 dB.
_NARROW_DB = -50.0
_WINDOW = 512


class SoundFindings:
    """Finds faults of a file's channels block by block, before they are averaged."""

    def __init__(self) -> None:
        self._samples = self._not_finite = 0
        self._clipped: NDArray[np.int64] = np.zeros(0, np.int64)
        self._in_second: NDArray[np.int64] = np.zeros(0, np.int64)
        self._second_left = 0
        self._frames = 0
        self._worst_second = 0.0
        self._power_alone = self._power_together = 0.0
        self._spectrum = np.zeros(_WINDOW // 2 + 1)
        self._lowest: NDArray[np.float64] = np.zeros(0)
        self._highest: NDArray[np.float64] = np.zeros(0)

    def take(self, block: FloatArray, rate_hz: float) -> None:
        """Add the next samples, ``(n, channels)`` with full scale 1, at their own rate."""
        channels = block.shape[1]
        if len(self._clipped) != channels:
            self._clipped, self._in_second = (np.zeros(channels, np.int64) for _ in range(2))
            self._lowest, self._highest = np.full(channels, np.inf), np.full(channels, -np.inf)
        finite = np.isfinite(block)
        self._samples += block.size
        self._not_finite += int(block.size - np.count_nonzero(finite))
        sound = np.where(finite, block, 0.0).astype(np.float64)
        self._count_clipped(np.abs(sound) >= CLIPPED_AT, round(rate_hz))
        self._frames += len(block)
        if len(sound):
            self._lowest = np.minimum(self._lowest, sound.min(axis=0))
            self._highest = np.maximum(self._highest, sound.max(axis=0))
        self._power_alone += float(np.square(sound).sum()) / channels**2
        self._power_together += float(np.square(sound.mean(axis=1)).sum())

    def hear(self, samples: FloatArray) -> None:
        """Add the next samples, ``(n,)`` at 16 kHz, as they are decoded."""
        whole = samples[: len(samples) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
        self._spectrum += np.square(np.abs(np.fft.rfft(whole * np.hanning(_WINDOW)))).sum(axis=0)

    def in_words(self) -> list[str]:
        """Return the faults as texts; empty without faults.

        As live, a second counts as clipped from one sample in a thousand at full scale; the share is that of the worst
        channel.
        """
        dead = self._lowest >= self._highest
        if self._frames and dead.all():
            value = "only zeros" if not self._highest.any() else "one value"
            return [f"holds {value} from its start to its end: no microphone was heard; record it again"]
        faults = []
        if self._worst_second >= CLIPPED_FRACTION:
            share = int(self._clipped.max()) / self._frames
            faults.append(f"is clipped ({share:.1%} of samples at full scale): record it with a lower gain")
        if self._not_finite:
            faults.append(f"has {self._not_finite} samples that are no finite numbers, taken as 0")
        if self._power_together < _CANCELLED * self._power_alone and self._power_alone > _HEARD * self._frames:
            lost_db = 10.0 * np.log10(self._power_alone / max(self._power_together, 1e-6 * self._power_alone))
            faults.append(
                f"has channels that cancel each other out when averaged (by {lost_db:.0f} dB: one is inverted); "
                "use one channel of it"
            )
        if self._narrow():
            faults.append(
                "has nothing above 4 kHz, as a telephone's sound: the voices learned from have, and the answer is less "
                "often right"
            )
        return faults

    def _narrow(self) -> bool:
        at_hz = np.fft.rfftfreq(_WINDOW, 1.0 / AUDIO_RATE_HZ)
        voice, above = (
            float(self._spectrum[(low < at_hz) & (at_hz < high)].mean()) for low, high in (_VOICE_HZ, _ABOVE_HZ)
        )
        return voice > 0.0 and above < voice * 10.0 ** (_NARROW_DB / 10.0)

    def _count_clipped(self, clipped: NDArray[np.bool_], rate_hz: int) -> None:
        """Count clipped samples per channel, in total and in each second."""
        while len(clipped):
            if not self._second_left:
                self._in_second, self._second_left = np.zeros_like(self._in_second), max(rate_hz, 1)
            part, clipped = clipped[: self._second_left], clipped[self._second_left :]
            count = part.sum(axis=0)
            self._clipped = self._clipped + count
            self._in_second = self._in_second + count
            self._second_left -= len(part)
            # Relative to a whole second also at a file's end, where two samples in a millisecond are no clipping.
            self._worst_second = max(self._worst_second, int(self._in_second.max()) / max(rate_hz, 1))
