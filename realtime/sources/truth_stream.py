"""Reads the ground truth of a simulated participant, where it is published, for the screens."""

import logging
import threading

import pylsl

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import StreamQuery
from ...models.streaming.ingest.sources import SourceGoneError
from .lsl import LslInlet, numeric

_log = logging.getLogger(__name__)
_TRUTH_TYPE = "EmotionTruth"
_CHANNELS = 2
_JOIN_S = 2.0


class TruthWatch:
    """Keeps the newest true valence and arousal; None without exactly one stream of it."""

    def __init__(self) -> None:
        self.newest: tuple[float, float] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="truth", daemon=True)

    def start(self) -> None:
        """Start to look for the stream."""
        self._thread.start()

    def stop(self) -> None:
        """Stop."""
        self._stopping.set()
        self._thread.join(_JOIN_S)

    def _run(self) -> None:
        inlet = LslInlet(StreamQuery(type=_TRUTH_TYPE), "truth", 10, 64)
        try:
            name: str | None = None
            while not self._stopping.is_set():
                if name is None:
                    name = inlet.open(_name)
                    continue
                try:
                    chunk = inlet.pull()
                except SourceGoneError:
                    name = None
                    continue
                if chunk is not None and chunk.samples.shape[1] >= _CHANNELS:
                    self.newest = (float(chunk.samples[-1, 0]), float(chunk.samples[-1, 1]))
        except MoodringError as error:
            _log.info("no truth: %s", error)
        finally:
            inlet.close()


def _name(info: pylsl.StreamInfo) -> str:
    numeric(info, "truth")
    return info.name() or _TRUTH_TYPE
