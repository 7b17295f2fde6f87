"""EEG from an LSL stream, in microvolts, under the names of the 10-20 system where the config gives them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pylsl

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import EegSection
from ...models.signals.eeg.montage import find_channel
from ...models.streaming.ingest.sources import Chunk, SourceInfo
from .lsl import LslInlet, LslSource, numeric, regular_rate_hz, sample_format, with_session

_TO_MICROVOLTS = {
    "microvolts": 1.0,
    "microvolt": 1.0,
    "uv": 1.0,
    "µv": 1.0,
    "μv": 1.0,
    "millivolts": 1e3,
    "millivolt": 1e3,
    "mv": 1e3,
    "volts": 1e6,
    "volt": 1e6,
    "v": 1e6,
    "nanovolts": 1e-3,
    "nv": 1e-3,
    # Powers of ten of a volt, as mne-lsl writes them.
    "-9": 1e-3,
    "-6": 1.0,
    "-3": 1e3,
    "0": 1e6,
}
_BUFFER_S = 10
_PULL_S = 0.5


@dataclass(frozen=True)
class EegLayout:
    """Indices of the EEG channels of a stream, their names, and the factor to microvolts."""

    picks: tuple[int, ...]
    names: tuple[str, ...]
    factor: float


ReadLayout = Callable[[pylsl.StreamInfo, EegSection], EegLayout]


class LslEeg(LslSource):
    """The EEG amplifier that a config names.

    Parameters
    ----------
    section : EegSection
    layout : callable
        Reads channels and units from the stream's description; raises MoodringError where they cannot be used.

    Attributes
    ----------
    watch : callable or None
        Called with every chunk as it came, before channels are picked and units converted; set before the first poll.
    """

    def __init__(self, section: EegSection, layout: ReadLayout | None = None) -> None:
        self.watch: Callable[[Chunk], None] | None = None
        self._section = section
        self._read_layout = layout or eeg_layout
        super().__init__(LslInlet(section.stream, "EEG", _BUFFER_S, 1024), section.delay_s)
        self._layout = EegLayout((), (), 1.0)

    def describe(self, info: pylsl.StreamInfo) -> SourceInfo:
        """Return the source that a stream makes, and remember how to pick and convert its channels.

        Raises
        ------
        MoodringError
            The stream has no channels, no rate, no known unit, or no EEG.
        """
        numeric(info, "EEG")
        rate_hz = regular_rate_hz(info, "EEG")
        self._layout = layout = self._read_layout(info, self._section)
        source = SourceInfo(
            "eeg",
            info.name(),
            rate_hz,
            (len(layout.picks),),
            "<f4",
            layout.names,
            self._section.delay_s,
            unit=f"{layout.factor:g} microvolts",
            sample_format=sample_format(info),
        )
        return with_session(source, info)

    def poll(self) -> Chunk | None:
        """Return what has come, in microvolts."""
        chunk = self._inlet.pull()
        if chunk is None:
            return None
        if self.watch is not None:
            self.watch(chunk)
        samples = chunk.samples[:, self._layout.picks].astype(np.float32)
        if self._layout.factor != 1.0:
            samples *= np.float32(self._layout.factor)
        return replace(chunk, samples=samples, stamps_s=self._captured(chunk))


def eeg_layout(info: pylsl.StreamInfo, section: EegSection) -> EegLayout:
    """Read the channels' names, types and units from a stream's description.

    Raises
    ------
    MoodringError
        No EEG among the channels, mixed or unknown units, or two channels of one name.
    """
    names, types, units = [], [], []
    node = info.desc().child("channels").child("channel")
    for index in range(info.channel_count()):
        names.append(node.child_value("label") or f"EEG {index + 1:03}")
        types.append(node.child_value("type").strip().lower())
        units.append(node.child_value("unit").strip().lower())
        node = node.next_sibling("channel")
    picks = [index for index, kind in enumerate(types) if kind in ("eeg", "")]
    if not picks:
        raise MoodringError(
            f"EEG stream '{info.name()}' has {len(types)} channels and none of type EEG (came: {', '.join(set(types))})"
            "; query another stream or correct the types where it is sent"
        )
    if section.names is not None:
        if len(section.names) != len(names):
            raise MoodringError(
                f"EEG stream '{info.name()}' has {len(names)} channels and eeg.names lists {len(section.names)}; list "
                "all of them, in the stream's order"
            )
        names = section.names
    renamed = _renamed(info.name(), names, section.rename)
    picked = [renamed[index] for index in picks]
    if (twice := next((name for name in picked if picked.count(name) > 1), None)) is not None:
        raise MoodringError(
            f"EEG stream '{info.name()}' has {picked.count(twice)} channels '{twice}'; every name once was expected: "
            "set them where the stream is sent, or list all names in eeg.names"
        )
    factor = _factor(info.name(), section, {units[index] for index in picks})
    return EegLayout(tuple(picks), tuple(renamed[index] for index in picks), factor)


def _renamed(stream: str, names: list[str], rename: dict[str, str]) -> list[str]:
    """Return the channels' names after the config's changes, whose keys need not be written exactly as the stream's."""
    renamed = list(names)
    for given, name in rename.items():
        index = find_channel(given, names)
        if index is None:
            raise MoodringError(f"EEG stream '{stream}' has no channel '{given}' to rename; it has {', '.join(names)}")
        renamed[index] = name
    return renamed


def _factor(name: str, section: EegSection, units: set[str]) -> float:
    if section.units is not None:
        return _TO_MICROVOLTS[section.units]
    # A stream that says nothing is taken to be in microvolts, as LSL's own convention has it.
    factors = {_TO_MICROVOLTS.get(unit) if unit else 1.0 for unit in units}
    factor = factors.pop() if len(factors) == 1 else None
    if factor is None:
        raise MoodringError(
            f"EEG stream '{name}' gives its units as {', '.join(sorted(units))}; microvolts, millivolts or volts were "
            "expected for all channels: set eeg.units"
        )
    return factor
