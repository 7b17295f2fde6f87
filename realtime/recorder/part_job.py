"""Settings of a recorder, sent to its process; light to import."""

from dataclasses import dataclass
from pathlib import Path

from ...configs.schema.live import LslSection, StreamQuery


@dataclass(frozen=True)
class WantedStream:
    """Streams to record.

    Attributes
    ----------
    query : StreamQuery
    own : bool
        Only those of this machine.
    auxiliary : bool
        Only the channels that are not EEG: those that are EEG come from the engine, as it decoded them.
    named : bool
        The config names it, so that its absence is told.
    """

    query: StreamQuery
    own: bool = False
    auxiliary: bool = False
    named: bool = False


@dataclass(frozen=True)
class PartJob:
    """One part of a recording.

    Attributes
    ----------
    path : Path
        Of the XDF file.
    lsl : LslSection
    wanted : tuple of WantedStream
    decoded : tuple of StreamQuery
        What the engine decodes and hands over itself.
    """

    path: Path
    lsl: LslSection
    wanted: tuple[WantedStream, ...]
    decoded: tuple[StreamQuery, ...]
