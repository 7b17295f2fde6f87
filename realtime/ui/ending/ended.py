"""What there is after a session: in words, and the folders of what was recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....configs.schema.session_folder import CONFIG_FILE
from ...engine.job import EngineJob
from ...lab.protocol.sessions import runs_of
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
        Folders of what was recorded, the newest first.
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
    folders = tuple(reversed([folder for folder in map(Path, named) if folder.is_dir()]))
    line = f"{wording.clock(summary['duration_s'])}, {summary_line(summary)}"
    return Ended(job.config.session.participant, line, False, folders, problems(summary, job.config.modalities))


def ended_badly(job: EngineJob, why: str) -> Ended:
    """Return what there is after a session whose engine failed: what it recorded until then is there all the same."""
    about = job.config.session
    runs = runs_of(job.record or job.record_later, about.participant, about.session)
    folders = tuple(reversed([one for one in runs if _begun_s(one) >= job.started_wall_s]))
    return Ended(about.participant, why, True, folders)


def _begun_s(folder: Path) -> float:
    """Return when a recording began; 0 where it is none."""
    try:
        return (folder / CONFIG_FILE).stat().st_mtime
    except OSError:
        return 0.0
