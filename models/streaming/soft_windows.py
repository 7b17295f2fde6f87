"""Windows of an EEG stream from which artifacts are subtracted by a soft threshold, from tick to tick."""

from dataclasses import replace

import numpy as np

from ..contract import EegWindow, RingReader
from ..signals.eeg import soft_threshold


class SoftWindows:
    """Clean windows of one stream; the state goes on where samples follow each other, and starts anew after a gap."""

    def __init__(self) -> None:
        self._state: soft_threshold.SoftThresholdState | None = None
        self._next = 0
        self._clean = np.zeros((0, 0))

    def window(self, raw: EegWindow, ring: RingReader, stop: int) -> EegWindow | None:
        """Return the newest clean window of the same length; call it at every tick, in order.

        Parameters
        ----------
        raw : EegWindow
            The window as the ring has it, all of whose samples are valid.
        ring : RingReader
        stop : int
            Number of samples up to the end of the window.

        Returns
        -------
        EegWindow or None
            It ends by the delay of the soft threshold before ``raw``; None while there are too few samples since the
            start or the last gap.
        """
        n, rate_hz = len(raw.samples_uv), raw.rate_hz
        since = self._next if self._state is not None else 0
        piece = ring.between(since, stop)
        broken = np.flatnonzero(~piece.valid)
        if self._state is None or piece.first > since or len(broken):
            self._state = soft_threshold.start(rate_hz, len(raw.channel_names))
            self._clean = np.zeros((0, len(raw.channel_names)))
        # A bad channel may hold what is no number; it is left out later, and must not stay in the state.
        samples = np.nan_to_num(piece.samples[broken[-1] + 1 if len(broken) else 0 :], posinf=0.0, neginf=0.0)
        cleaned, self._state = soft_threshold.step(self._state, samples)
        self._clean = np.concatenate([self._clean, cleaned])[-n:]
        self._next = stop
        if len(self._clean) < n:
            return None
        late_s = soft_threshold.delay_samples(rate_hz) / rate_hz
        return replace(raw, samples_uv=self._clean.astype(np.float32), end_s=raw.end_s - late_s)
