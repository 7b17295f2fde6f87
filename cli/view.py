"""The command that shows a recording, and what its page is given: how it is opened, how it is decoded again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from ..processes import Parent
    from ..realtime.ui.replay.tools import ReplayTools

_TELL_EVERY = 0.005


def view(
    session: Annotated[
        Path | None,
        typer.Argument(
            metavar="[SESSION]", help="A session folder, XDF, EEG, media or sound file; else the page asks for one."
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--in", metavar="DIR", help="List the sessions of this folder.", show_default=False)
    ] = None,
) -> None:
    """Replay a recording in a window: film, EEG, sound and estimates; decode it again, rate along it."""
    from ..configs.schema.errors import ConfigError
    from ..realtime.ui.replay.run_replay import run_replay

    if session is not None and not session.exists():
        raise ConfigError(f"'{session}' does not exist; give a session folder or a recording")
    run_replay(replay_tools(), session, folder or Path("sessions"))


def replay_tools() -> ReplayTools:
    """Return what the replay page is given."""
    from ..offline.viewing.open import open_for_viewing
    from ..realtime.ui.replay.tools import ReplayTools

    return ReplayTools(open_for_viewing, decode_again)


def decode_again(parent: Parent, session: str, bundle: str, out: str) -> None:
    """Decode a recording with another bundle and write its estimates, in one move: the target of a child process."""
    from ..configs.schema.errors import MoodringError
    from ..configs.schema.session_folder import DECISIONS_FILE
    from ..models.io.files import PRIVATE_FILE, make_private_folder, write_file
    from ..models.io.journal import journal_line, read_journal
    from ..offline.decoding import decode as again
    from ..offline.recordings.open import open_recording
    from .decode import session_config, with_bundles

    told = 0.0

    def tell(share: float) -> None:
        nonlocal told
        if parent.ended.is_set():
            raise MoodringError("decoding was stopped")
        if share - told >= _TELL_EVERY:
            told = share
            parent.send({"share": share})

    path, target = Path(session), Path(out)
    recording = open_recording(path)
    config = session_config(path, recording, None, ())
    models = with_bundles(config.models, (Path(bundle),), recording)
    own = path / DECISIONS_FILE
    journal = read_journal(own, path) if own.is_file() and own.stat().st_size else ()
    chosen = config.model_copy(update={"models": models, "journal": None})
    decoded = again.decode(recording, chosen, journal=journal, progress=tell)
    if not decoded.estimates:
        raise MoodringError(f"no estimate came of '{bundle}': {decoded.too_short}")
    make_private_folder(target.parent, exist_ok=True)
    write_file(target, b"".join(journal_line(one) + b"\n" for one in decoded.estimates), mode=PRIVATE_FILE)
