"""Windows of a corpus's EEG through the live chain: covariances of electrodes in bands, and plain band power."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....models.contract import BoolArray, EegWindow, FloatArray, Signal
from ....models.decoders.eeg_state import Features
from ....models.io.files import write_file
from ....models.signals.eeg import chain
from ....models.signals.eeg.band_power import log_band_power
from ....models.signals.eeg.montage import scalp_channels
from ....models.streaming.streaming_eeg_state import STEP_S
from ....processes import in_workers
from ...datasets.base import Trial
from ...datasets.open_physiology import PhysiologyCorpus

Array = NDArray[np.float64]
_GAP_PERIODS = 5
_ARRAYS = ("end_s", "covariances", "band_power", "on_scalp")
# Of what is measured; raise it with any change of the chain, the covariances or the band power.
_VERSION = 1


@dataclass(frozen=True)
class TrialWindows:
    """The valid windows of one trial.

    Attributes
    ----------
    trial : Trial
    end_s : (n,) float64
        End of each window since the recording's first sample.
    covariances : (n, n_bands, n_electrodes, n_electrodes) float32
    band_power : (n, n_channels, 3) float32
        Log power of theta, alpha and beta; NaN for bad channels.
    on_scalp : (n_channels,) bool
    """

    trial: Trial
    end_s: Array
    covariances: FloatArray
    band_power: FloatArray
    on_scalp: BoolArray


def measure(
    corpus: PhysiologyCorpus, features: Features, line_hz: float | None, workers: int, cache: Path | None = None
) -> list[TrialWindows]:
    """Return the windows of every trial of a corpus, half a second apart.

    Parameters
    ----------
    corpus : PhysiologyCorpus
    features : Features
    line_hz : float or None
    workers : int
    cache : Path or None
        A folder in which what was measured is kept, by the contents of the trial's file and the settings.

    Raises
    ------
    MoodringError
        A recording cannot be read, or has too slow EEG.
    """
    if cache is not None:
        cache.mkdir(parents=True, exist_ok=True)
    one = partial(_kept_trial, corpus=corpus, features=features, line_hz=line_hz, cache=cache)
    return list(in_workers(one, corpus.trials, workers))


def _kept_trial(
    trial: Trial, corpus: PhysiologyCorpus, features: Features, line_hz: float | None, cache: Path | None
) -> TrialWindows:
    if cache is None or trial.file is None:
        return _measure_trial(trial, corpus, features, line_hz)
    measured = (features.electrodes, features.bands, features.window_s, features.min_channels)
    settings = f"{_VERSION} {measured} {line_hz}".encode()
    path = cache / f"{hashlib.sha256(settings + trial.file.read_bytes()).hexdigest()[:24]}.npz"
    if path.is_file():
        with np.load(path, allow_pickle=False) as kept:
            return TrialWindows(trial, *(kept[name] for name in _ARRAYS))
    found = _measure_trial(trial, corpus, features, line_hz)
    arrays = io.BytesIO()
    np.savez(arrays, allow_pickle=False, **{name: getattr(found, name) for name in _ARRAYS})
    write_file(path, arrays.getvalue())
    return found


def _measure_trial(trial: Trial, corpus: PhysiologyCorpus, features: Features, line_hz: float | None) -> TrialWindows:
    signal = corpus.load(trial).eeg
    if signal is None:
        raise ValueError(f"{trial.name} has no EEG")
    ends, covariances, powers = [], [], []
    for window in windows_of(signal, features, line_hz):
        ends.append(window.end_s - float(signal.stamps_s[0]))
        covariances.append(features.covariances(window))
        powers.append(log_band_power(window))
    shape = (0, len(features.bands), len(features.electrodes), len(features.electrodes))
    return TrialWindows(
        trial,
        np.array(ends),
        np.array(covariances, np.float32) if ends else np.zeros(shape, np.float32),
        np.array(powers, np.float32) if ends else np.zeros((0, len(signal.channel_names), 3), np.float32),
        scalp_channels(signal.channel_names),
    )


def windows_of(signal: Signal, features: Features, line_hz: float | None) -> Sequence[EegWindow]:
    """Return the valid windows of a recording's EEG, half a second apart, as the live chain gives them."""
    spec = chain.EegChainSpec(signal.rate_hz, signal.channel_names, line_hz)
    state, gaps = chain.start(spec), np.flatnonzero(np.diff(signal.stamps_s) > _GAP_PERIODS / signal.rate_hz) + 1
    found: list[EegWindow] = []
    n, step = round(features.window_s * signal.rate_hz), round(STEP_S * signal.rate_hz)
    edges = [0, *gaps.tolist(), len(signal.samples)]
    for first, stop in pairwise(edges):
        chunk, state = chain.step(state, signal.samples[first:stop], first > 0)
        for end in range(n, stop - first + 1, step):
            good = chunk.good_rows[end - 1]
            if chunk.valid[end - n : end].all() and features.usable(signal.channel_names, good):
                end_s = float(signal.stamps_s[first]) + end / signal.rate_hz
                rows = chunk.samples_uv[end - n : end]
                found.append(EegWindow(rows, signal.rate_hz, signal.channel_names, good, end_s))
    return found
