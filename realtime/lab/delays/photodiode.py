"""A source of one channel of the EEG stream of any type: a photodiode on an auxiliary input."""

from dataclasses import replace

import numpy as np
import pylsl

from ....configs.schema.errors import MoodringError
from ....configs.schema.live import EegSection
from ....models.streaming.ingest.sources import Chunk, SourceInfo
from ...sources.lsl import LslInlet, labels, numeric, regular_rate_hz


class LslChannel:
    """A channel of the stream that a config's EEG section names, with the stamps of the EEG.

    Parameters
    ----------
    section : EegSection
    channel : str
        Its label in the stream's description.
    """

    def __init__(self, section: EegSection, channel: str) -> None:
        self._channel = channel
        self._delay_s = section.delay_s or 0.0
        self._inlet = LslInlet(section.stream, "EEG", 10, 1024)
        self._index = 0

    def open(self) -> SourceInfo | None:
        """Connect; see :class:`~moodring.models.streaming.ingest.sources.Source`.

        Raises
        ------
        MoodringError
            The stream has no such channel, or no regular rate.
        """
        return self._inlet.open(self._describe)

    def poll(self) -> Chunk | None:
        """Return the newest chunk in the stream's own unit; None where none came."""
        chunk = self._inlet.pull()
        if chunk is None:
            return None
        samples = chunk.samples[:, self._index : self._index + 1].astype(np.float64)
        return replace(chunk, samples=samples, stamps_s=chunk.stamps_s - self._delay_s)

    def close(self) -> None:
        """Disconnect."""
        self._inlet.close()

    def _describe(self, info: pylsl.StreamInfo) -> SourceInfo:
        numeric(info, "EEG")
        rate_hz = regular_rate_hz(info, "EEG")
        named = labels(info) or ("",) * info.channel_count()
        names = [label or f"EEG {number:03}" for number, label in enumerate(named, start=1)]
        if self._channel not in names:
            raise MoodringError(
                f"EEG stream '{info.name()}' has no channel '{self._channel}' for the photodiode; it has "
                f"{', '.join(names)}: name one of those with --photodiode"
            )
        self._index = names.index(self._channel)
        return SourceInfo("eeg", info.name(), rate_hz, (1,), "<f8", (self._channel,))
