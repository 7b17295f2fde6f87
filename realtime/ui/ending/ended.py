"""What there is after a session: in words, and the folders of what was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...engine.job import EngineJob
from ...screens import wording
from ...screens.at_the_end import problems, summary_line


@dataclass(frozen=True)
class Ended:
    """A session that is over.

    Attributes
    ----------
    participant : str
    line : str
        What was decoded, or the line that the session failed with.
    failed : bool
    recordings : tuple of Path
        Folders of what was recorded, in the order of their starts.
    problems : tuple of str
        What was not there or is not in the recording.
    """

    participant: str
    line: str
    failed: bool = False
    recordings: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


def ended_well(job: EngineJob, summary: Mapping[str, Any]) -> Ended:
    """Return what there is after a session that ended in order."""
    recorded = summary["recording"]
    named = (*(recorded["earlier"] or ()), *((recorded["folder"],) if recorded["folder"] is not None else ()))
    folders = tuple(folder for folder in map(Path, named) if folder.is_dir())
    line = f"{wording.clock(summary['duration_s'])}, {summary_line(summary)}"
    return Ended(job.config.session.participant, line, False, folders, problems(summary, job.config.modalities))


def ended_badly(job: EngineJob, why: str) -> Ended:
    """Return what there is after a session whose engine failed."""
    return Ended(job.config.session.participant, why, True)
