"""What must be in order before a session begins: consent, the protocol; and whether its number is taken."""

from collections.abc import Callable
from pathlib import Path

from ....configs.schema.live import LiveConfig
from ...lab.protocol.sessions import next_session, runs_of
from .. import strings
from .form import SessionForm
from .tools import ProtocolChecking

_Asked = tuple[Path, str, str]


class Readiness:
    """Looks after the participant's part of the form.

    Parameters
    ----------
    form : SessionForm
    check : callable
        Begins the check of a protocol for a participant and a session.
    """

    def __init__(self, form: SessionForm, check: Callable[[Path, str, str], ProtocolChecking]) -> None:
        self._form, self._begin = form, check
        self._check: ProtocolChecking | None = None
        self._asked: _Asked | None = None
        self._error = ""
        self._taken: tuple[str, str, str] | None = None
        form.take_next.clicked.connect(self._take_next)

    def look(self, config: LiveConfig | None, settled: bool) -> None:
        """Look at what the form says once it has not changed for a while."""
        if config is not None and settled:
            self._look_for_sessions(config)
            about, file = config.session, config.protocol.file
            asked = None if file is None else (file, about.participant, about.session)
            if asked != self._asked:
                self._ask(asked)
        if self._check is not None and self._check.over:
            self._error = self._check.error
            self._form.show_protocol_note(self._error or self._check.facts, "bad" if self._error else "good")
            self._check.close()
            self._check = None

    @property
    def error(self) -> str:
        """Why the protocol cannot be shown; empty where it can, or where there is none."""
        return self._error

    def why_not(self, config: LiveConfig) -> str:
        """Return why the session cannot begin; empty where it can."""
        file, about = config.protocol.file, config.session
        if (file is not None or self._form.record.isChecked()) and not about.consent:
            return strings.SETUP_NO_CONSENT.format(participant=about.participant)
        if file is not None and (self._check is not None or self._asked != (file, about.participant, about.session)):
            return strings.SETUP_PROTOCOL_WAIT
        return self._error if file is not None else ""

    def close(self) -> None:
        """Let go of the check; it begins anew where the page stays."""
        if self._check is not None:
            self._check.close()
            self._check, self._asked = None, None

    def _ask(self, asked: _Asked | None) -> None:
        self.close()
        self._asked, self._error = asked, ""
        if asked is None:
            self._form.show_protocol_note("", "idle")
        else:
            self._form.show_protocol_note(strings.SETUP_PROTOCOL_CHECKING, "idle")
            self._check = self._begin(*asked)

    def _look_for_sessions(self, config: LiveConfig) -> None:
        about, folder = config.session, self._form.folder.text().strip() or "sessions"
        taken = (folder, about.participant, about.session)
        if taken != self._taken:
            self._taken, root = taken, Path(folder)
            runs = len(runs_of(root, about.participant, about.session))
            self._form.show_taken(about.participant, about.session, runs, next_session(root, about.participant))

    def _take_next(self) -> None:
        if self._taken is not None:
            self._form.session.setText(next_session(Path(self._taken[0]), self._taken[1]))
            self._form.changed.emit()
