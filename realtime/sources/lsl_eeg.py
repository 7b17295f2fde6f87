"""EEG from an LSL stream, in microvolts, under the names of the 10-20 system where the config gives them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pylsl

from ...configs.schema.live import EegSection
from ...models.contract import StreamChannels
from ...models.signals.eeg import stream_layout
from ...models.signals.eeg.stream_layout import EegLayout
from ...models.streaming.ingest.sources import Chunk, SourceInfo
from .lsl import LslInlet, LslSource, numeric, regular_rate_hz, sample_format, with_session

_BUFFER_S = 10
_PULL_S = 0.5


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
        self._layout = EegLayout((), (), ())

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
            unit=layout.unit,
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
        if any(factor != 1.0 for factor in self._layout.factors):
            samples *= np.array(self._layout.factors, np.float32)
        return replace(chunk, samples=samples, stamps_s=self._captured(chunk))


def eeg_layout(info: pylsl.StreamInfo, section: EegSection) -> EegLayout:
    """Read the channels' names, types and units from a stream's description, with the config's settings applied.

    Raises
    ------
    MoodringError
        As :func:`moodring.models.signals.eeg.stream_layout.eeg_layout`.
    """
    return stream_layout.eeg_layout(info.name(), stream_channels(info), section)


def stream_channels(info: pylsl.StreamInfo) -> StreamChannels:
    """Return the channels of a stream as it describes them; those without a label are numbered."""
    labels, types, units = [], [], []
    node = info.desc().child("channels").child("channel")
    for index in range(info.channel_count()):
        labels.append(node.child_value("label") or f"EEG {index + 1:03}")
        types.append(node.child_value("type"))
        units.append(node.child_value("unit"))
        node = node.next_sibling("channel")
    return StreamChannels(tuple(labels), tuple(types), tuple(units))
