"""Any regularly sampled LSL stream of numbers, as it comes: no filter, no resampling."""

from dataclasses import replace

import numpy as np
import pylsl

from ...configs.schema.live import StreamQuery
from ...models.streaming.ingest.sources import Chunk, SourceInfo
from .lsl import LslInlet, LslSource, channel_texts, labels, numeric, regular_rate_hz, sample_format, with_session

_BUFFER_S = 10


class LslSignal(LslSource):
    """The stream of one further modality.

    Parameters
    ----------
    modality : str
        Key of the stream, as bundles name it.
    query : StreamQuery
    delay_s : float or None
        Declared delay of the device; None is undeclared.
    """

    def __init__(self, modality: str, query: StreamQuery, delay_s: float | None) -> None:
        self._modality = modality
        super().__init__(LslInlet(query, modality, _BUFFER_S, 4096), delay_s)

    def describe(self, info: pylsl.StreamInfo) -> SourceInfo:
        """Return the source that a stream makes.

        Raises
        ------
        MoodringError
            The stream has no numbers or no regular rate.
        """
        numeric(info, self._modality)
        named = labels(info) or ("",) * info.channel_count()
        source = SourceInfo(
            self._modality,
            info.name(),
            regular_rate_hz(info, self._modality),
            (info.channel_count(),),
            "<f4",
            tuple(label or f"{self._modality} {n}" for n, label in enumerate(named, start=1)),
            self._delay_s,
            unit=", ".join(dict.fromkeys(channel_texts(info, "unit"))),
            sample_format=sample_format(info),
        )
        return with_session(source, info)

    def poll(self) -> Chunk | None:
        """Return what has come."""
        chunk = self._inlet.pull()
        if chunk is None:
            return None
        stamps_s = self._captured(chunk)
        return replace(chunk, samples=chunk.samples.astype(np.float32), stamps_s=stamps_s)
