"""The thread of one source, which alone opens and polls it."""

import logging
import threading
from collections.abc import Callable

from ...configs.schema.errors import MoodringError
from ...models.streaming.ingest.source_channel import SourceChannel
from ...models.streaming.ingest.source_connection import MakeIngest, SourceConnection
from ...models.streaming.ingest.sources import Chunk, SourceInfo, SourceUnfitError

_log = logging.getLogger(__name__)
_RETRY_S = 1.0
_LOOK_AGAIN_S = 0.2
_NOTHING_S = 0.02


class SourceThread:
    """Opens a source_channel's source, polls it, and puts what comes into the source_channel's ring.

    Parameters
    ----------
    source_channel : SourceChannel
    make_ingest : callable
        Raises MoodringError where the source does not fit the session.
    arrived : threading.Condition
        Notified after each chunk.
    record : callable or None
        Given each chunk as it came, once it can be decoded.
    logs : callable
        Whether errors go to the log: not while one ends the session, which tells it.
    """

    def __init__(
        self,
        source_channel: SourceChannel,
        make_ingest: MakeIngest,
        arrived: threading.Condition,
        record: Callable[[SourceInfo, Chunk], None] | None = None,
        logs: Callable[[], bool] = lambda: True,
    ) -> None:
        self._source_channel = source_channel
        self._make_ingest = make_ingest
        self._arrived = arrived
        self._record = record
        self._logs = logs
        self._logged: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"source-{source_channel.modality}", daemon=True)

    def start(self) -> None:
        """Start."""
        self._thread.start()

    @property
    def started(self) -> bool:
        """Whether it was started."""
        return self._thread.ident is not None

    def ask_to_stop(self) -> None:
        """End after the poll that is under way."""
        self._stopping.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for the end; False where the device holds the thread."""
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        source = self._source_channel.source
        if source is None:
            return
        connection = SourceConnection(self._source_channel, source, self._make_ingest)
        try:
            while not self._stopping.is_set():
                self._poll(connection)
        finally:
            # Only here: an inlet that is destroyed while another thread pulls from it can end the process.
            connection.close()
            with self._arrived:
                self._arrived.notify_all()

    def _poll(self, connection: SourceConnection) -> None:
        """Poll once; whatever fails is shown and tried again, because the others go on meanwhile."""
        channel = self._source_channel
        try:
            chunk = connection.poll()
        except SourceUnfitError as error:
            self._fail(str(error), _LOOK_AGAIN_S)
        except MoodringError as error:
            self._fail(str(error), _RETRY_S)
        except Exception as error:
            # A driver may raise anything.
            _log.exception("source %s", channel.title)
            line = " ".join(f"{type(error).__name__}: {error}".split())
            self._fail(f"{channel.title} failed ({line}); it is tried again", _RETRY_S)
        else:
            self._logged = self._logged if chunk is None else None
            if chunk is None:
                if channel.ingest is None:
                    self._stopping.wait(_NOTHING_S)
                return
            with self._arrived:
                self._arrived.notify_all()
            if self._record is not None and channel.ingest is not None:
                self._record(channel.ingest.info, chunk)

    def _fail(self, line: str, wait_s: float) -> None:
        if self._logged != line and self._logs():
            _log.warning("%s", line)
            self._logged = line
        self._source_channel.error = line
        self._stopping.wait(wait_s)
