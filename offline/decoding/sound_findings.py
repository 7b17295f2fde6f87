"""What is wrong with the sound in a file that can be read: clipping, samples that are no numbers, channels that cancel."""

import numpy as np
from numpy.typing import NDArray

from ...models.contract import FloatArray
from ...models.signals.speech.microphone_level import CLIPPED_AT, CLIPPED_FRACTION

_CANCELLED = 0.1  # so much of the power that unrelated channels keep when they are averaged: 10 dB less
_HEARD = 1e-8  # mean square; quieter channels are silent, not inverted


class SoundFindings:
    """Gathers, block by block, what is wrong with a file's channels before they are averaged."""

    def __init__(self) -> None:
        self._samples = self._not_finite = 0
        self._clipped: NDArray[np.int64] = np.zeros(0, np.int64)
        self._in_second: NDArray[np.int64] = np.zeros(0, np.int64)
        self._second_left = 0
        self._frames = 0
        self._worst_second = 0.0
        self._power_alone = self._power_together = 0.0

    def take(self, block: FloatArray, rate_hz: float) -> None:
        """Look at the next samples ``(n, channels)``, full scale 1, at their own rate."""
        channels = block.shape[1]
        if len(self._clipped) != channels:
            self._clipped, self._in_second = (np.zeros(channels, np.int64) for _ in range(2))
        finite = np.isfinite(block)
        self._samples += block.size
        self._not_finite += int(block.size - np.count_nonzero(finite))
        heard = np.where(finite, block, 0.0).astype(np.float64)
        self._count_clipped(np.abs(heard) >= CLIPPED_AT, round(rate_hz))
        self._frames += len(block)
        self._power_alone += float(np.square(heard).sum()) / channels**2
        self._power_together += float(np.square(heard.mean(axis=1)).sum())

    def in_words(self) -> list[str]:
        """Say in a few words each what is wrong; empty where nothing is.

        Clipping is judged as live: by seconds in which one sample in a thousand is at full scale; its share is that of
        the channel that has most.
        """
        said = []
        if self._worst_second >= CLIPPED_FRACTION:
            share = int(self._clipped.max()) / self._frames
            said.append(f"is clipped ({share:.1%} of samples at full scale): record it with a lower gain")
        if self._not_finite:
            said.append(f"has {self._not_finite} samples that are no finite numbers, taken as 0")
        if self._power_together < _CANCELLED * self._power_alone and self._power_alone > _HEARD * self._frames:
            lost_db = 10.0 * np.log10(self._power_alone / max(self._power_together, 1e-6 * self._power_alone))
            said.append(
                f"has channels that cancel each other out when averaged (by {lost_db:.0f} dB: one is inverted); "
                "use one channel of it"
            )
        return said

    def _count_clipped(self, clipped: NDArray[np.bool_], rate_hz: int) -> None:
        """Count per channel, in all and in the present second; a second that is over is judged."""
        while len(clipped):
            if not self._second_left:
                self._in_second, self._second_left = np.zeros_like(self._in_second), max(rate_hz, 1)
            part, clipped = clipped[: self._second_left], clipped[self._second_left :]
            count = part.sum(axis=0)
            self._clipped = self._clipped + count
            self._in_second = self._in_second + count
            self._second_left -= len(part)
            # Of a whole second, even at a file's end: two samples of the last millisecond are not clipping.
            self._worst_second = max(self._worst_second, int(self._in_second.max()) / max(rate_hz, 1))
