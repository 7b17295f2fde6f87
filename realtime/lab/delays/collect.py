"""Keeps what sources deliver for a while: one thread for each, which alone touches its source."""

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
from ....models.streaming.dejitter import DejitterState, dejitter
from ....models.streaming.sources import Chunk, Source, SourceInfo

Reduce = Callable[[NDArray[Any]], NDArray[Any]]
_GRACE_S = 10.0


@dataclass(frozen=True)
class Heard:
    """What one source delivered.

    Attributes
    ----------
    info : SourceInfo
    values : (n, ...) array
        Reduced samples.
    stamps_s : (n,) float64
        As a session would use them: smoothed for regular signals, as they came for frames.
    """

    info: SourceInfo
    values: NDArray[Any]
    stamps_s: TimeArray


class Ear:
    """Listens to one source in a thread of its own until it is stopped.

    Parameters
    ----------
    title : str
        What the config names.
    source : Source
    reduce : callable
        Makes of a chunk's samples what is kept, one value for each; it must not keep the samples themselves.
    """

    def __init__(self, title: str, source: Source, reduce: Reduce) -> None:
        self.title = title
        self.info: SourceInfo | None = None
        self.error: str | None = None
        self._source = source
        self._reduce = reduce
        self._chunks: list[tuple[NDArray[Any], TimeArray, bool]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"listening to {title}", daemon=True)
        self._thread.start()

    @property
    def hears(self) -> bool:
        """Say whether samples have come."""
        return bool(self._chunks)

    def stop(self) -> None:
        """Stop listening and let go of the source."""
        self._stop.set()
        self._thread.join(_GRACE_S)

    def heard(self) -> Heard:
        """Give everything; only after :meth:`stop`.

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
            return Heard(self.info, values, np.concatenate([stamps_s for _, stamps_s, _ in self._chunks]))
        state, smooth_s = DejitterState(self.info.rate_hz, self.info.jitter_s), []
        for _, stamps_s, gap in self._chunks:
            smoothed_s, _, state = dejitter(state, stamps_s, gap)
            smooth_s.append(smoothed_s)
        return Heard(self.info, values, np.concatenate(smooth_s))

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
def listening(ears: Mapping[str, Ear], timeout_s: float, idle: Callable[[float], None]) -> Iterator[None]:
    """Wait until all sources deliver, or have failed, or the time is over; stop them at the end of the block.

    Parameters
    ----------
    ears : mapping of str to Ear
    timeout_s : float
    idle : callable
        Lets so many seconds pass, for whoever has a window to keep alive.
    """
    try:
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s and not all(ear.hears or ear.error for ear in ears.values()):
            idle(0.1)
        yield
    finally:
        for ear in ears.values():
            ear.stop()


def brightness(frames: NDArray[Any]) -> NDArray[Any]:
    """Reduce frames to their mean brightness, 0..255."""
    return np.asarray(frames.reshape(len(frames), -1).mean(axis=1, dtype=np.float64))


def first_channel(samples: NDArray[Any]) -> NDArray[Any]:
    """Reduce samples to their first channel."""
    return np.asarray(samples[:, 0], np.float64)


def whole(samples: NDArray[Any]) -> NDArray[Any]:
    """Keep samples as they are."""
    return samples.copy()
