"""Open a channel's source, the first time and whenever it is gone: one path with the same checks; no threads."""

from collections.abc import Callable
from dataclasses import replace

from .source_channel import SourceChannel
from .sources import Chunk, Source, SourceGoneError, SourceInfo, check_unchanged
from .stream_ingest import StreamIngest

MakeIngest = Callable[[SourceInfo], StreamIngest]


class SourceConnection:
    """Opens a source, takes its samples into the channel's ring, and opens it again when it is gone.

    Parameters
    ----------
    channel : SourceChannel
    source : Source
    make_ingest : callable
        Makes the ingest when the source is opened at first; raises MoodringError where it does not fit the session.
    """

    def __init__(self, channel: SourceChannel, source: Source, make_ingest: MakeIngest) -> None:
        self._channel = channel
        self._source = source
        self._make_ingest = make_ingest
        self._open = False
        self._gap_before = False
        self._skipped_before = 0

    def poll(self) -> Chunk | None:
        """Append the newest chunk to the ring and return it; None where there is none or the source is not there.

        Raises
        ------
        MoodringError
            The source cannot be used. It is closed, and opened again by the next poll.
        """
        try:
            if not self._open and not self._try_to_open():
                return None
            chunk = self._with_what_was_missed(self._source.poll())
        except SourceGoneError:
            self._open = False
            return None
        except BaseException:
            self.close()
            raise
        if chunk is not None and self._channel.ingest is not None:
            self._channel.ingest.append(chunk)
            self._channel.error = None
        return chunk

    def close(self) -> None:
        """Close the source."""
        self._open = False
        self._source.close()

    def _try_to_open(self) -> bool:
        info = self._source.open()
        if info is None:
            return False
        if self._channel.ingest is None:
            self._channel.ingest = self._make_ingest(info)
        else:
            check_unchanged(self._channel.ingest.info, info)
            self._gap_before = True
        self._open = True
        return True

    def _with_what_was_missed(self, chunk: Chunk | None) -> Chunk | None:
        """Return a chunk with the gap before it, from when the source was away or from a chunk without samples."""
        if chunk is None:
            return None
        gap, skipped = self._gap_before or chunk.gap, self._skipped_before + chunk.skipped
        if not len(chunk.stamps_s):
            self._gap_before, self._skipped_before = gap, skipped
            return None
        self._gap_before, self._skipped_before = False, 0
        return replace(chunk, gap=gap, skipped=skipped)
