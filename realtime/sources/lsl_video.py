"""Face video from an LSL stream: one sample is one frame of raw BGR bytes, seen as int8."""

from dataclasses import replace

import numpy as np
import pylsl

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import StreamQuery
from ...models.io.described_values import LARGEST_SIDE, whole_in
from ...models.streaming.ingest.sources import Chunk, SourceInfo
from .lsl import LslInlet, LslSource, sample_format, with_session

_BUFFER_S = 4  # liblsl's own 360 s of frames would be gigabytes


class LslVideo(LslSource):
    """The video stream that a config names."""

    def __init__(self, query: StreamQuery, delay_s: float | None) -> None:
        super().__init__(LslInlet(query, "video", _BUFFER_S, 4), delay_s)
        self._shape = (0, 0, 3)

    def describe(self, info: pylsl.StreamInfo) -> SourceInfo:
        """Return the source that a stream makes, and remember the size of its frames.

        Raises
        ------
        MoodringError
            The stream is no video as described above.
        """
        _check(info)
        self._shape = frame_shape(info)
        source = SourceInfo(
            "face",
            info.name(),
            float(info.nominal_srate()) or None,
            self._shape,
            "|u1",
            delay_s=self._delay_s,
            sample_format=sample_format(info),
        )
        return with_session(source, info)

    def poll(self) -> Chunk | None:
        """Return the frames that have come."""
        chunk = self._inlet.pull()
        if chunk is None:
            return None
        frames = chunk.samples.view(np.uint8).reshape(-1, *self._shape)
        return replace(chunk, samples=frames, stamps_s=self._captured(chunk))


def frame_shape(info: pylsl.StreamInfo) -> tuple[int, int, int]:
    """Read height and width from a stream's description; zeros where they are not there."""
    node = info.desc().child("moodring").child("video")
    texts = (node.child_value("height"), node.child_value("width"))
    height, width = (whole_in(text, 1, LARGEST_SIDE) or 0 for text in texts)
    return height, width, 3


def _check(info: pylsl.StreamInfo) -> None:
    height, width, depth = frame_shape(info)
    encoding = info.desc().child("moodring").child("video").child_value("encoding")
    fits = info.channel_format() == pylsl.cf_int8 and height * width * depth == info.channel_count()
    if not fits or not height or encoding != "bgr24":
        raise MoodringError(
            f"video stream '{info.name()}' has {info.channel_count()} channels and describes {width}x{height} "
            f"'{encoding}'; raw bgr24 frames as int8 with desc/moodring/video/width, height, encoding were expected: "
            "publish it with 'moodring replay', or use camera instead of stream"
        )
