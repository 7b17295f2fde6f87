"""Speech from an LSL stream, mono at 16 kHz in -1..1; other rates are resampled as they come."""

from dataclasses import replace

import numpy as np
import pylsl

from ...configs.schema.live import StreamQuery
from ...models.contract import AUDIO_RATE_HZ
from ...models.streaming.ingest.sources import Chunk, SourceInfo
from .lsl import LslInlet, LslSource, numeric, regular_rate_hz, sample_format, with_session
from .resample import StreamResampler

_BUFFER_S = 10
_FULL_SCALE = {pylsl.cf_int16: 2.0**15, pylsl.cf_int32: 2.0**31, pylsl.cf_int8: 2.0**7}


class LslAudio(LslSource):
    """The audio stream that a config names."""

    def __init__(self, query: StreamQuery, delay_s: float | None) -> None:
        super().__init__(LslInlet(query, "audio", _BUFFER_S, 4096), delay_s)
        self._resampler: StreamResampler | None = None
        self._full_scale = 1.0

    def describe(self, info: pylsl.StreamInfo) -> SourceInfo:
        """Return the source that a stream makes, and prepare to convert its samples.

        Raises
        ------
        MoodringError
            The stream has no channels or no rate, or carries text.
        """
        numeric(info, "audio")
        rate_hz = regular_rate_hz(info, "audio")
        self._resampler = StreamResampler(rate_hz) if rate_hz != AUDIO_RATE_HZ else None
        self._full_scale = _FULL_SCALE.get(info.channel_format(), 1.0)
        source = SourceInfo(
            "speech",
            info.name(),
            float(AUDIO_RATE_HZ),
            (1,),
            "<f4",
            ("audio",),
            self._delay_s,
            sample_format=f"{info.channel_count()} x {sample_format(info)} at {rate_hz:g} Hz",
        )
        return with_session(source, info)

    def poll(self) -> Chunk | None:
        """Return what has come, mono at 16 kHz."""
        chunk = self._inlet.pull()
        if chunk is None:
            return None
        mono = (chunk.samples.astype(np.float32) / np.float32(self._full_scale)).mean(axis=1, dtype=np.float32)
        # One value that is no number would stay in every filter and network behind this for ever.
        mono = np.nan_to_num(mono, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
        stamps_s = self._captured(chunk)
        if self._resampler is not None:
            mono, stamps_s = self._resampler.step(mono, stamps_s, chunk.gap)
        return replace(chunk, samples=mono[:, np.newaxis], stamps_s=stamps_s)
