"""What crosses the border to an engine's process. Light to import: whoever starts an engine needs no networks."""

from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ...configs.schema.live import LiveConfig


@dataclass(frozen=True)
class EngineJob:
    """What an engine is to do; crosses the border between processes.

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
        The folder that the session is recorded under.
    """

    config: LiveConfig
    duration_s: float | None = None
    json_path: Path | None = None
    started_wall_s: float = 0.0
    threads: int = 1
    record: Path | None = None


def engine_process(job: EngineJob, parent: "Connection[Any, Any]") -> None:
    """Be an engine in a child process: the target of :class:`~moodring.realtime.engine.launch.EngineProcess`.

    Sends JSON objects through ``parent``: ``{"ready": name}``, then ``{"done": summary}`` or
    ``{"error": line, "status": n}``. Stops on ``b"stop"``, and when the parent is gone.
    """
    from .engine import serve

    serve(job, parent)
