"""EEG files that MNE reads (EDF, BDF, BrainVision, EEGLAB, FIF) as recordings."""

import logging
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ...configs.schema.errors import MoodringError
from ...models.contract import Marker, Recording, Signal, StreamChannels
from ...models.signals.eeg.stream_layout import microvolts_per
from .eeg_file_facts import missing_part, refuse_other_kinds

if TYPE_CHECKING:
    from collections.abc import Iterable

    import mne

SUFFIXES = (".edf", ".bdf", ".vhdr", ".set", ".fif", ".gdf", ".cnt")
_log = logging.getLogger(__name__)
_MICROVOLTS_PER_VOLT = 1e6
_EDF_SUFFIXES = (".edf", ".bdf")
_EDF_SCALED = ("µv", "μv", "uv", "mv", "v")


def read_eeg_file(path: Path) -> Recording:
    """Read the EEG channels and annotations of a file; t0 is its first sample.

    Raises
    ------
    MoodringError
        MNE cannot read it, or it holds no EEG channel.
    """
    refuse_other_kinds(path)
    # MNE takes a second to import, and most recordings do not need it.
    import mne

    try:
        with warnings.catch_warnings(), mne.utils.use_log_level("ERROR"):
            # Headers of real files are full of harmless oddities, and MNE warns of each.
            warnings.simplefilter("ignore")
            raw = mne.io.read_raw(path, preload=False)
            picks = mne.pick_types(raw.info, eeg=True, exclude=())
            if not len(picks):
                kinds = ", ".join(sorted(set(raw.get_channel_types())))
                raise MoodringError(f"'{path}' has no EEG channel (it has: {kinds}); give a file with EEG")
            volts = raw.get_data(picks)
    except MoodringError:
        raise
    except Exception as error:
        # Each format has a reader of its own in MNE, and damaged files make them fail in every way there is.
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MoodringError(
            f"'{path}' cannot be read as EEG ({reason}); is it complete, and its companion files there?"
        ) from error
    if missing := missing_part(path):
        _log.warning("EEG file '%s' is cut: %s; what is there is used", path, missing)
    rate_hz = float(raw.info["sfreq"])
    channels = _channels(raw, picks)
    factors = np.array([_factor(channels.units[pick], path.suffix.lower()) for pick in picks])
    signal = Signal(
        samples=np.ascontiguousarray(volts.T * factors, dtype=np.float32),
        stamps_s=np.arange(volts.shape[1]) / rate_hz,
        rate_hz=rate_hz,
        channel_names=tuple(raw.ch_names[pick] for pick in picks),
        name=path.name,
        source=channels,
    )
    # An annotation's onset counts from the first sample; raw.first_time is where that lies in the original.
    markers = tuple(Marker(float(note["onset"]) - raw.first_time, str(note["description"])) for note in raw.annotations)
    return Recording(path.stem, path.stem, path.name, 0.0, 0.0, signal, None, None, None, markers)


def _channels(raw: "mne.io.BaseRaw", picks: "Iterable[int]") -> StreamChannels:
    """Return all channels of a file as it describes them; formats that state no unit are in volts by MNE's rule."""
    kinds = list(raw.get_channel_types())
    for pick in picks:
        kinds[pick] = "eeg"
    stated = getattr(raw, "_orig_units", None) or {}
    units = tuple(str(stated.get(name, "V")) for name in raw.ch_names)
    return StreamChannels(tuple(raw.ch_names), tuple(kinds), units)


def _factor(unit: str, suffix: str) -> float:
    """Return what MNE's numbers are to be multiplied with: to microvolts, or to the file's own where its unit is none.

    MNE scales the EDF units µV and mV, and takes every other one for volts: nanovolts, and what is missing.
    """
    known = microvolts_per(unit)
    if suffix in _EDF_SUFFIXES and unit.lower() not in _EDF_SCALED:
        return 1.0 if known is None else known
    return _MICROVOLTS_PER_VOLT if known is not None else 1.0
