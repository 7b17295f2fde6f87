"""Collect the samples of sources for a while, each in a thread of its own."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....models.contract import TimeArray
from ....models.streaming.ingest.dejitter import DejitterState, dejitter
from ....models.streaming.ingest.sources import Chunk, Source, SourceInfo

Reduce = Callable[[NDArray[Any]], NDArray[Any]]
_GRACE_S = 10.0


@dataclass(frozen=True)
class CollectedSamples:
    """Samples of one source.

    Attributes
    ----------
    info : SourceInfo
    values : (n, ...) array
        Reduced samples.
    stamps_s : (n,) float64
        As in a session: dejittered for regular signals, as received for frames.
    """

    info: SourceInfo
    values: NDArray[Any]
    stamps_s: TimeArray


class SourceCollector:
    """Collects from one source in a thread of its own until it is stopped.

    Parameters
    ----------
    title : str
        Name of the source in the config.
    source : Source
    reduce : callable
        Maps the samples of a chunk to what is kept, one value for each; must not keep the samples themselves.
    """

    def __init__(self, title: str, source: Source, reduce: Reduce) -> None:
        self.title = title
        self.info: SourceInfo | None = None
        self.error: str | None = None
        self._source = source
        self._reduce = reduce
        self._chunks: list[tuple[NDArray[Any], TimeArray, bool]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"collecting {title}", daemon=True)
        self._thread.start()

    @property
    def has_samples(self) -> bool:
        """Whether samples were received."""
        return bool(self._chunks)

    def stop(self) -> None:
        """Stop collecting and close the source."""
        self._stop.set()
        self._thread.join(_GRACE_S)

    def collected(self) -> CollectedSamples:
        """Return all samples; call after :meth:`stop`.

        Raises
        ------
        MoodringError
            The source was not there, sent nothing, or failed.
        """
        if self.error is not None:
            raise MoodringError(self.error)
        if self.info is None:
            raise MoodringError(f"{self.title} was not found; start it, or correct the config")
        if not self._chunks:
            raise MoodringError(f"{self.title} is there but sent nothing; is it running?")
        values = np.concatenate([values for values, _, _ in self._chunks])
        if self.info.rate_hz is None or self.info.modality == "face":
            return CollectedSamples(self.info, values, np.concatenate([stamps_s for _, stamps_s, _ in self._chunks]))
        state, smooth_s = DejitterState(self.info.rate_hz, self.info.jitter_s), []
        for _, stamps_s, gap in self._chunks:
            smoothed_s, _, state = dejitter(state, stamps_s, gap)
            smooth_s.append(smoothed_s)
        return CollectedSamples(self.info, values, np.concatenate(smooth_s))

    def _run(self) -> None:
        try:
            while self.info is None and not self._stop.is_set():
                self.info = self._source.open()
            while not self._stop.is_set():
                chunk = self._source.poll()
                if chunk is not None and len(chunk.stamps_s):
                    self._keep(chunk)
        except MoodringError as error:
            self.error = str(error)
        finally:
            self._source.close()

    def _keep(self, chunk: Chunk) -> None:
        self._chunks.append((self._reduce(chunk.samples), chunk.stamps_s.copy(), chunk.gap))


@contextmanager
def collecting(
    collectors: Mapping[str, SourceCollector], timeout_s: float, idle: Callable[[float], None]
) -> Iterator[None]:
    """Wait until all sources deliver or fail, or a time-out; stop them at the end of the block.

    Parameters
    ----------
    collectors : mapping of str to SourceCollector
    timeout_s : float
    idle : callable
        Waits for a number of seconds and keeps a window responsive.
    """
    try:
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s and not all(
            collector.has_samples or collector.error for collector in collectors.values()
        ):
            idle(0.1)
        yield
    finally:
        for collector in collectors.values():
            collector.stop()


def brightness(frames: NDArray[Any]) -> NDArray[Any]:
    """Return the mean brightness of each frame, 0..255."""
    return np.asarray(frames.reshape(len(frames), -1).mean(axis=1, dtype=np.float64))


def first_channel(samples: NDArray[Any]) -> NDArray[Any]:
    """Return the first channel of samples."""
    return np.asarray(samples[:, 0], np.float64)


def unreduced(samples: NDArray[Any]) -> NDArray[Any]:
    """Return a copy of samples."""
    return samples.copy()
