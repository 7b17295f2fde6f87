"""Parts of BioSemi files: electrodes by name, and the codes of the channel Status, without reading the whole."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import Signal
from .affect_corpus import regular_signal

_MICROVOLTS = 1e6
_STATUS = "Status"
_LOWEST_BYTE = 0xFF
_SPARE_S = 0.1


@dataclass(frozen=True)
class BiosemiFile:
    """An open file.

    Attributes
    ----------
    path : Path
    rate_hz : float
    duration_s : float
    channels : tuple of str
    onsets : (n,) int64
        Samples at which the lowest byte of Status changes to a code other than 0.
    values : (n,) int64
        Those codes.
    raw : mne.io.Raw
        Not read ahead.
    """

    path: Path
    rate_hz: float
    duration_s: float
    channels: tuple[str, ...]
    onsets: NDArray[np.int64]
    values: NDArray[np.int64]
    raw: Any

    @classmethod
    def open(cls, path: Path) -> "BiosemiFile":
        """Open a file and find its codes.

        Raises
        ------
        MoodringError
            It cannot be read as BDF.
        """
        import mne

        raw = _tried(path, lambda: mne.io.read_raw_bdf(path, preload=False, verbose="ERROR"))
        names = tuple(str(name) for name in raw.ch_names)
        onsets, values = np.zeros(0, np.int64), np.zeros(0, np.int64)
        if _STATUS in names:
            status = _tried(path, lambda: raw.get_data([_STATUS])[0])
            codes = status.astype(np.int64) & _LOWEST_BYTE
            onsets = np.flatnonzero((codes != np.concatenate([[0], codes[:-1]])) & (codes != 0)).astype(np.int64)
            values = codes[onsets]
        rate_hz = float(raw.info["sfreq"])
        return cls(path, rate_hz, raw.n_times / rate_hz, names, onsets, values, raw)

    def codes(self, code: int) -> list[float]:
        """Return the times of a code in seconds from the file's first sample."""
        return [float(at) / self.rate_hz for at in self.onsets[self.values == code]]

    def signal(self, electrodes: Sequence[str], start_s: float, stop_s: float) -> Signal:
        """Return some electrodes, in the order asked for, between two times; microvolts, from 0 s on.

        Raises
        ------
        MoodringError
            An electrode is missing, or the file ends before.
        """
        missing = [name for name in electrodes if name not in self.channels]
        if missing:
            raise MoodringError(
                f"'{self.path}' has no channel {missing[0]} (it has {', '.join(self.channels[:6])} …); "
                f"{len(electrodes)} electrodes with 10-20 names were expected: rename them, or leave the file out"
            )
        if start_s < -_SPARE_S or stop_s > self.duration_s + _SPARE_S:
            raise MoodringError(
                f"'{self.path}' has {self.duration_s:.1f} s, and a trial goes from {start_s:.1f} to {stop_s:.1f} s; "
                "it was cut short: copy it again"
            )
        first, last = max(0, round(start_s * self.rate_hz)), round(stop_s * self.rate_hz)
        volts = _tried(self.path, lambda: self.raw.get_data(list(electrodes), first, min(last, self.raw.n_times)))
        return regular_signal((volts * _MICROVOLTS).T, self.rate_hz, tuple(electrodes), self.path.name)


def _tried(path: Path, read: Any) -> Any:
    try:
        with warnings.catch_warnings():
            # Headers of real files are full of harmless oddities, and MNE warns of each.
            warnings.simplefilter("ignore")
            return read()
    except Exception as error:
        # Damaged files make the reader fail in every way there is.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MoodringError(f"'{path}' cannot be read as BDF ({reason}); copy it again") from None
