"""The settings of one run of an engine."""

from dataclasses import dataclass, field
from pathlib import Path

from ...configs.schema.live import LiveConfig
from ...models.streaming.decoder import Extensions


@dataclass(frozen=True)
class EngineJob:
    """Settings of one run of an engine; sent to its process.

    Attributes
    ----------
    config : LiveConfig
    duration_s : float or None
        How long to decode, from the moment the sources are there; None until asked to stop.
    json_path : Path or None
        Where the summary goes.
    started_wall_s : float
        ``time.time()`` when the command started; ``time_s`` and ``elapsed_s`` count from it.
    threads : int
        How many the networks and OpenCV may use.
    record : Path or None
        The folder that the session is recorded under from its start.
    record_later : Path
        The same for recordings that are started from a screen, where ``record`` names none.
    extensions : Extensions
        Further decoders and sources.
    """

    config: LiveConfig
    duration_s: float | None = None
    json_path: Path | None = None
    started_wall_s: float = 0.0
    threads: int = 1
    record: Path | None = None
    record_later: Path = Path("sessions")
    extensions: Extensions = field(default_factory=Extensions)
