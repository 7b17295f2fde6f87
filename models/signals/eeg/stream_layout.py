"""Layout of an EEG stream or file: which channels are EEG, under which names, and their factors to microvolts.

The same function reads live streams, XDF and EEG files, with the settings ``names``, ``rename`` and ``units`` of
``[eeg]``; a session that was recorded live has them applied already.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ....configs.schema.errors import MoodringError
from ....configs.schema.live import EegSection
from ...contract import EegSettings, FloatArray, Signal, StreamChannels
from .montage import find_channel

_MICROVOLTS_PER = {
    **dict.fromkeys(("nanovolts", "nanovolt", "nv"), 1e-3),
    **dict.fromkeys(("microvolts", "microvolt", "uv", "µv", "μv"), 1.0),
    **dict.fromkeys(("millivolts", "millivolt", "mv"), 1e3),
    **dict.fromkeys(("volts", "volt", "v"), 1e6),
    # Powers of ten of a volt, as mne-lsl writes them.
    **{"-9": 1e-3, "-6": 1.0, "-3": 1e3, "0": 1e6},
}
_EEG_TYPES = ("", "eeg")
EXPECTED_UNITS = "nanovolts, microvolts, millivolts or volts"


@dataclass(frozen=True)
class EegLayout:
    """Layout of a stream's EEG.

    Attributes
    ----------
    picks : tuple of int
        Indices of the EEG channels in the stream.
    names : tuple of str
        Of the picks, after the config's changes.
    factors : tuple of float
        To microvolts, one per pick.
    """

    picks: tuple[int, ...]
    names: tuple[str, ...]
    factors: tuple[float, ...]

    @property
    def unit(self) -> str:
        """Unit of the samples before they are converted: ``"1000 microvolts"`` for millivolts."""
        return ", ".join(f"{factor:g} microvolts" for factor in dict.fromkeys(self.factors))


def microvolts_per(unit: str) -> float | None:
    """Return how many microvolts a unit is, whatever its case; None where it is not known."""
    return _MICROVOLTS_PER.get(unit.strip().lower())


def eeg_picks(stream: str, types: Sequence[str]) -> tuple[int, ...]:
    """Return the indices of the channels that are EEG, or of no declared type.

    Raises
    ------
    MoodringError
        None is.
    """
    picks = tuple(index for index, kind in enumerate(types) if kind.strip().lower() in _EEG_TYPES)
    if not picks:
        came = ", ".join(sorted({kind.strip().lower() for kind in types})) or "no channel"
        raise MoodringError(
            f"EEG stream '{stream}' has {len(types)} channels and none of type EEG (came: {came}); query another "
            "stream or correct the types where it is sent"
        )
    return picks


def eeg_layout(stream: str, channels: StreamChannels, section: EegSection | None) -> EegLayout:
    """Return the layout of a stream as a config wants it.

    Parameters
    ----------
    stream : str
        Its name, for messages.
    channels : StreamChannels
        As the stream or file describes them.
    section : EegSection or None
        Its ``names``, ``rename`` and ``units``; None changes nothing.

    Raises
    ------
    MoodringError
        No EEG among the channels, unknown units, names that do not fit, or two channels of one name.
    """
    picks = eeg_picks(stream, channels.types)
    names = list(channels.labels)
    if section is not None and section.names is not None:
        if len(section.names) != len(names):
            raise MoodringError(
                f"EEG stream '{stream}' has {len(names)} channels and eeg.names lists {len(section.names)}; list "
                "all of them, in the stream's order"
            )
        names = section.names
    renamed = _renamed(stream, names, {} if section is None else section.rename)
    picked = tuple(renamed[index] for index in picks)
    if (twice := next((name for name in picked if picked.count(name) > 1), None)) is not None:
        raise MoodringError(
            f"EEG stream '{stream}' has {picked.count(twice)} channels '{twice}'; every name once was expected: "
            "set them where the stream is sent, or list all names in eeg.names"
        )
    units = tuple(channels.units[index] for index in picks)
    return EegLayout(picks, picked, _factors(stream, units, None if section is None else section.units))


def known_factors(channels: StreamChannels, picks: Sequence[int]) -> tuple[float, ...]:
    """Return the factor to microvolts of each pick, 1 where the unit is missing or unknown."""
    return tuple(microvolts_per(channels.units[index]) or 1.0 for index in picks)


def published_units(signal: Signal) -> tuple[str, ...]:
    """Return the unit of each channel as a replay sends it: microvolts, or its own if it is not known."""
    if signal.source is None:
        return ("microvolts",) * len(signal.channel_names)
    units = (signal.source.units[index].strip() for index in eeg_picks(signal.name, signal.source.types))
    return tuple(unit if unit and microvolts_per(unit) is None else "microvolts" for unit in units)


def with_settings(signal: Signal, section: EegSection | None, applied: EegSettings | None) -> Signal:
    """Return the EEG of a recording as a live session with this config would have received it.

    Parameters
    ----------
    signal : Signal
    section : EegSection or None
    applied : EegSettings or None
        Settings that the session was recorded with: its channels have them already.

    Raises
    ------
    MoodringError
        As :func:`eeg_layout`.
    """
    source = signal.source
    if source is None:
        # Names and microvolts are those of the session that recorded it, or of the simulation.
        count = len(signal.channel_names)
        source = StreamChannels(signal.channel_names, ("eeg",) * count, ("microvolts",) * count)
        section = _not_yet(section, applied, signal.channel_names)
    layout = eeg_layout(signal.name, source, section)
    factors = np.array(layout.factors) / np.array(known_factors(source, layout.picks))
    samples: FloatArray = signal.samples
    if (factors != 1.0).any():
        with np.errstate(over="ignore", invalid="ignore"):  # values that are no numbers stay what they are
            samples = (samples * factors).astype(np.float32)
    return Signal(
        samples,
        signal.stamps_s,
        signal.rate_hz,
        layout.names,
        signal.name,
        signal.jitter_s,
        signal.arrivals,
        signal.source,
    )


def settings_of(section: EegSection | None) -> EegSettings | None:
    """Return the settings that a section applies to a stream's channels."""
    if section is None:
        return None
    names = None if section.names is None else tuple(section.names)
    return EegSettings(names, tuple(sorted(section.rename.items())), section.units)


def _not_yet(
    section: EegSection | None, applied: EegSettings | None, channel_names: Sequence[str]
) -> EegSection | None:
    """Return a section without what a recorded session has applied already."""
    if section is None:
        return None
    before, wanted = applied or EegSettings(), settings_of(section) or EegSettings()
    named = wanted.names == before.names or set(channel_names) <= set(wanted.names or ())
    # A name that was changed when the session was recorded is there under its new one.
    rename = {
        old: new
        for old, new in section.rename.items()
        if (old, new) not in before.rename and not (new in channel_names and find_channel(old, channel_names) is None)
    }
    changes = {
        "names": None if named else section.names,
        "rename": rename,
        "units": None if wanted.units in (before.units, "microvolts") else section.units,
    }
    return section.model_copy(update=changes)


def _renamed(stream: str, names: Sequence[str], rename: dict[str, str]) -> list[str]:
    """Return the channels' names after the config's changes, whose keys need not be written exactly as the stream's."""
    renamed = list(names)
    for given, name in rename.items():
        index = find_channel(given, names)
        if index is None:
            raise MoodringError(f"EEG stream '{stream}' has no channel '{given}' to rename; it has {', '.join(names)}")
        renamed[index] = name
    return renamed


def _factors(stream: str, units: Sequence[str], override: str | None) -> tuple[float, ...]:
    if override is not None:
        return (_MICROVOLTS_PER[override],) * len(units)
    # A stream that says nothing is taken to be in microvolts, as LSL's own convention has it.
    factors = [microvolts_per(unit) if unit.strip() else 1.0 for unit in units]
    unknown = None in factors
    said = {factor for unit, factor in zip(units, factors, strict=True) if unit.strip()}
    in_part = len(said) > 0 and not all(unit.strip() for unit in units) and said != {1.0}
    if unknown or in_part:
        given = ", ".join(sorted({unit.strip() or "none" for unit in units}))
        raise MoodringError(
            f"EEG stream '{stream}' gives its units as {given}; {EXPECTED_UNITS} were expected for all channels: set "
            "eeg.units"
        )
    return tuple(1.0 if factor is None else factor for factor in factors)
