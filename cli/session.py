"""The commands for what a lab takes home of its sessions, and for what it must remove: report, export, delete."""

from __future__ import annotations

import difflib
import sys
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


def delete(
    participant: Annotated[str, typer.Argument(metavar="PARTICIPANT", help="As session.participant has it.")],
    yes: Annotated[bool, typer.Option("--yes", help="Remove without asking.")] = False,
    root: Annotated[Path, typer.Option(metavar="DIR", help="Where to look.")] = Path(),
) -> None:
    """List, then remove all that belongs to one person: sessions, enrolments, calibrated bundles, exports, reports."""
    from ..offline.erasure.find import find
    from ..offline.erasure.remove import remove

    found = find(root, participant)
    if not found.belongings and not found.datasets:
        near = difflib.get_close_matches(participant, found.people, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"{len(found.people)} other participant(s) are there"
        raise MoodringError(f"nothing of participant '{participant}' is in '{root}'; {hint}")
    for one in found.belongings:
        say(f"{one.kind}: {one.path} ({one.size / 1e6:.2f} MB)")
    for dataset, label in found.datasets:
        say(f"line of sub-{label} in {dataset / 'participants.tsv'}")
    for line in found.left:
        say(f"stays: {line}")
    if not yes and not _confirmed(participant):
        raise MoodringError("nothing was removed")
    removed = remove(root, found)
    say(f"removed {len(found.belongings)} of participant '{participant}', {removed / 1e6:.2f} MB, for good")


def _confirmed(participant: str) -> bool:
    """Return whether the participant's name was typed at the terminal; without a terminal nobody can."""
    if not sys.stdin.isatty():
        say("To remove all this for good, add --yes.")
        return False
    say(f"To remove all this for good, type the participant's name ({participant}):")
    return sys.stdin.readline().strip() == participant.strip()
