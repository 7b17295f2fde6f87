"""EEG, sound and film of a session folder, read by stretches of time."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ...models.contract import FloatArray, Image, TimeArray
from ..recordings.frames import error_line, open_container, video_stream
from .part_index import PartIndex, PartStream

_AHEAD_S = 1.5  # of a film it is cheaper to decode on than to seek
_NEAR_S = 0.1  # likewise where another frame will do
_FIRST_SAMPLE, _COUNT = 0, 1  # columns of an AudioIndex

Part = tuple[PartIndex, PartStream]


class Chunks:
    """The chunks of a source over all parts of a session, by the stamp of their first row."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = tuple(parts)
        stamps_s, places, numbers = [], [], []
        next_number = -1
        for index, (part, stream) in enumerate(self._parts):
            counts = stream.counts
            firsts = (
                int(stream.fact("first_sample") or 0) + np.concatenate([[0], np.cumsum(counts)[:-1]])[: len(counts)]
            )
            # What a recorder that died had written already, the next one wrote again.
            new = firsts >= next_number
            stamps_s.append(part.first_stamps(stream)[new])
            chunks = np.flatnonzero(new)
            places.append(np.column_stack([np.full(len(chunks), index), chunks]))
            numbers.append(firsts[new])
            if len(counts):
                next_number = int(firsts[-1] + counts[-1])
        self.stamps_s: TimeArray = np.concatenate(stamps_s)
        self.numbers: NDArray[np.int64] = np.concatenate(numbers).astype(np.int64)
        self._places: NDArray[np.int64] = np.concatenate(places).astype(np.int64)

    def __len__(self) -> int:
        return len(self.stamps_s)

    @property
    def about(self) -> PartStream:
        """The stream, as its first part describes it."""
        return self._parts[0][1]

    @property
    def in_order(self) -> bool:
        """Whether every chunk is stamped, and later than the one before."""
        return bool(np.isfinite(self.stamps_s).all() and (np.diff(self.stamps_s) > 0).all())

    def rows(self, first: int = 0, stop: int | None = None) -> NDArray[Any]:
        """Return the rows of some chunks."""
        places = self._places[first:stop]
        edges = [0, *(np.flatnonzero(np.diff(places[:, 0])) + 1), len(places)] if len(places) else [0]
        pieces = []
        for begin, end in pairwise(edges):
            part, stream = self._parts[places[begin, 0]]
            pieces.append(part.rows(stream, int(places[begin, 1]), int(places[end - 1, 1]) + 1))
        return np.concatenate(pieces) if pieces else np.zeros(0, self.about.dtype)

    def between(self, start_s: float, stop_s: float) -> NDArray[Any]:
        """Return the rows of the chunks that may hold a stretch of time."""
        first = max(int(np.searchsorted(self.stamps_s, start_s, "right")) - 1, 0)
        return self.rows(first, int(np.searchsorted(self.stamps_s, stop_s, "left")))

    @property
    def last_stamp_s(self) -> float:
        """Stamp of the last row."""
        part, stream = self._parts[-1]
        rows = part.last_row(stream)
        return float(rows["stamp"][0]) if len(rows) else float(self.stamps_s[-1])


class EegWindows:
    """EEG as it was recorded, in microvolts."""

    def __init__(self, chunks: Chunks) -> None:
        self._chunks = chunks
        self.rate_hz = float(chunks.about.about.findtext("nominal_srate") or 0.0)
        self.channel_names = chunks.about.channel_names

    def between(self, start_s: float, stop_s: float) -> tuple[TimeArray, FloatArray]:
        """Return stamps and samples of a stretch of time."""
        rows = self._chunks.between(start_s, stop_s)
        stamps_s = rows["stamp"]
        kept = (stamps_s >= start_s) & (stamps_s < stop_s)
        stamps_s, values = stamps_s[kept].astype(np.float64), rows["values"][kept].astype(np.float32)
        order = np.argsort(stamps_s, kind="stable")  # single stamps jitter
        return stamps_s[order], values[order]


class SoundWindows:
    """The microphone, from its Matroska file, placed in time by the index of its blocks."""

    channel_names = ("microphone",)

    def __init__(self, chunks: Chunks, path: Path) -> None:
        self._chunks = chunks
        self._path = path
        self.rate_hz = float(chunks.about.fact("rate_hz") or 16_000.0)

    def between(self, start_s: float, stop_s: float) -> tuple[TimeArray, FloatArray]:
        """Return stamps and samples of a stretch of time."""
        rows = self._chunks.between(start_s, stop_s)
        blocks = rows["values"]
        ends_s = rows["stamp"] + blocks[:, _COUNT] / self.rate_hz
        kept = (ends_s > start_s) & (rows["stamp"] < stop_s)
        blocks, begins_s = blocks[kept], rows["stamp"][kept]
        if not len(blocks):
            return np.zeros(0), np.zeros((0, 1), np.float32)
        first = int(blocks[0, _FIRST_SAMPLE])
        counts = blocks[:, _COUNT].astype(np.int64)
        sound = self._read(first, int(blocks[-1, _FIRST_SAMPLE] + counts[-1]))
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        numbers = np.repeat(blocks[:, _FIRST_SAMPLE].astype(np.int64) - first, counts) + within
        stamps_s = np.repeat(begins_s, counts) + within / self.rate_hz
        there = (numbers < len(sound)) & (stamps_s >= start_s) & (stamps_s < stop_s)
        return stamps_s[there], sound[numbers[there], np.newaxis]

    def _read(self, first: int, stop: int) -> FloatArray:
        """Return samples by their numbers in the file; fewer where it ends before."""
        try:
            with open_container(self._path) as container:
                stream = container.streams.audio[0]
                container.seek(int(first / self.rate_hz / float(stream.time_base)), stream=stream, backward=True)
                pieces: list[NDArray[np.float32]] = []
                begin, end = None, 0
                for frame in container.decode(stream):
                    if begin is None:
                        begin = end = round(float(frame.pts * stream.time_base) * self.rate_hz)
                    pieces.append(np.asarray(frame.to_ndarray(), np.float32).reshape(-1))
                    end += len(pieces[-1])
                    if end >= stop:
                        break
        except (av.FFmpegError, OSError, IndexError) as error:
            raise MoodringError(f"sound '{self._path}' cannot be read: {error_line(error)}; use a copy") from None
        if begin is None:
            return np.zeros(0, np.float32)
        whole = np.concatenate(pieces)
        return whole[max(first - begin, 0) : stop - begin]


class Film:
    """The camera, from its Matroska file: a frame is sought by its time in the film, and decoded on from there."""

    def __init__(self, chunks: Chunks, path: Path) -> None:
        self._path = path
        rows = chunks.rows()
        numbers = np.nan_to_num(rows["values"][:, 0], nan=-1.0).astype(np.int64)
        there = (numbers >= 0) & np.isfinite(rows["stamp"])
        numbers, places = np.unique(numbers[there], return_index=True)
        stamps_s = rows["stamp"][there][places].astype(np.float64)
        shown = np.rint((stamps_s - stamps_s[0]) * 1000).astype(np.int64) if len(stamps_s) else numbers
        ordered = np.diff(stamps_s, prepend=-np.inf) > 0
        self.stamps_s: TimeArray = stamps_s[ordered]
        self._shown_ms = shown[ordered]
        periods = np.diff(self._shown_ms)
        self._half_ms = float(np.median(periods)) / 2 if len(periods) else 20.0
        self._container: Any = None
        self._decoded: Any = iter(())
        self._at_ms: float | None = None

    def frame(self, index: int, exact: bool = True) -> Image:
        """Return a frame; where it need not be exact, the newest before it that is whole in itself."""
        wanted = float(self._shown_ms[index])
        ahead_ms = 1000 * (_AHEAD_S if exact else _NEAR_S)
        try:
            if self._at_ms is None or not self._at_ms < wanted <= self._at_ms + ahead_ms:
                self._seek(wanted)
            for frame in self._decoded:
                at_ms = 1000.0 * float(frame.pts * frame.time_base)
                self._at_ms = at_ms
                if not exact or at_ms >= wanted - self._half_ms:
                    return np.asarray(frame.to_ndarray(format="bgr24"))
        except (av.FFmpegError, OSError) as error:
            self.close()
            raise MoodringError(f"film '{self._path}' cannot be read: {error_line(error)}; use a copy") from None
        self.close()
        raise MoodringError(f"film '{self._path}' ends before {wanted / 1000:.1f} s; it was cut short")

    def close(self) -> None:
        """Close the file; it opens again when a frame is asked for."""
        if self._container is not None:
            self._container.close()
        self._container, self._decoded, self._at_ms = None, iter(()), None

    def _seek(self, wanted_ms: float) -> None:
        if self._container is None:
            self._container = open_container(self._path)
            stream = video_stream(self._container)
            if stream is None:
                raise MoodringError(f"film '{self._path}' holds no pictures; use a copy")
            # Two decode as fast as a large film plays; more would hold more frames back, which each seek waits for.
            stream.thread_type = "FRAME"
            stream.codec_context.thread_count = 2
        stream = video_stream(self._container)
        target = int(max(wanted_ms - self._half_ms, 0.0) / 1000 / float(stream.time_base))
        self._container.seek(target, stream=stream, backward=True)
        self._decoded = self._container.decode(stream)
