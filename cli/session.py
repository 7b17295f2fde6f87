"""The commands for what a lab takes home from a recorded session: report, export and delete."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ..configs.schema.errors import MoodringError
from ..configs.schema.session_folder import REPORT_FILE
from .output import refuse_sessions, say

PicturesOption = Annotated[
    bool, typer.Option("--pictures/--no-pictures", help="Whether pictures of the participant are shown.")
]


def report(
    session: Annotated[Path, typer.Argument(metavar="SESSION", help="A session folder of --record.")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Where to; else report.html in the session's folder.")
    ] = None,
    pictures: PicturesOption = True,
) -> None:
    """Write the report of a recorded session: one page of HTML, with frames that the model looked at."""
    from ..offline.report.report import write_report

    if out is not None and out.resolve() != (session / REPORT_FILE).resolve():
        refuse_sessions(out)
    path, problems = write_report(session, out, pictures=pictures)
    for problem in problems:
        say(f"note: {problem}")
    shown = "" if pictures else ", without pictures"
    say(f"wrote '{path}'{shown}; open it in any browser, print it from there")


def export(
    sessions: Annotated[list[Path], typer.Argument(metavar="SESSION...", help="Session folders of --record.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The BIDS data set, new or exported before.")],
    pictures: PicturesOption = True,
) -> None:
    """Export recorded sessions as BIDS (EEG, events, ratings), with estimates as CSV and one film with sound."""
    from ..offline.export.export import export_session

    failed = 0
    for session in sessions:
        try:
            written = export_session(session, out, pictures=pictures, tell=say)
        except MoodringError as error:
            if len(sessions) == 1:
                raise
            failed += 1
            say(f"moodring: {error}", err=True)
        else:
            say(f"exported '{session}' into '{out}': {'; '.join(written.told)}")
    if failed:
        raise MoodringError(f"{failed} of {len(sessions)} sessions were not exported; see the lines above")
