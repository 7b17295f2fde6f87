"""What keys and buttons of the live window do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from ...ipc.commands import Command, CommandKind
from ...lab.protocol.desk import Deed
from .. import strings
from ..panels.eeg_controls import nearest
from ..settings import Settings
from ..theme import ThemeName
from .page import LivePage
from .view import SCALES_UV, WINDOWS_S, EegChoice, View
from .view_model import ViewModel

_STEP_S, _LEAP_S = 1.0, 10.0


class Host(Protocol):
    """Protocol of the window that actions are of."""

    page: LivePage
    settings: Settings
    view: View | None

    @property
    def view_model(self) -> ViewModel:
        """What the window shows."""
        ...

    @property
    def read_only(self) -> bool:
        """Whether it only watches."""
        ...

    def lsl_now(self) -> float:
        """Return the time of a key that is pressed now."""
        ...

    def send(self, command: Command) -> None:
        """Send the engine a command."""
        ...

    def protocol_do(self, deed: Deed) -> None:
        """Do what a key of the protocol is for."""
        ...

    def choose(self, **changes: object) -> None:
        """Change what the user chose."""
        ...

    def use_theme(self, name: ThemeName) -> None:
        """Change the palette."""
        ...

    def toggle_full(self) -> None:
        """Have the whole screen, or be a window again."""
        ...

    def leave(self) -> None:
        """Go back to where this page was opened from, if from somewhere."""
        ...


class Actions:
    """The actions of a window, by the names in ``strings.SHORTCUTS`` and ``strings.BUTTONS``.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._told_to_end = False
        self._named: dict[str, Callable[[str], None]] = {
            "back": lambda _: host.leave(),
            "record": lambda _: host.send(Command("start_recording")),
            "stop": lambda _: host.send(Command("stop_recording")),
            "pause": lambda _: self._pause(),
            "end": lambda _: self._ask_to_end(),
            "mark": lambda _: self._mark(strings.MARK_TEXT),
            "numbered_mark": lambda key: self._mark(strings.NUMBERED_MARK.format(number=key)),
            "text_mark": lambda _: self._write("mark"),
            "note": lambda _: self._write("note"),
            "freeze": lambda _: host.choose(ago_s=0.0 if self._choices.ago_s is None else None),
            "scroll": lambda key: self._move(_STEP_S if key == "Left" else -_STEP_S),
            "leap": lambda key: self._move(_LEAP_S if key == "PgUp" else -_LEAP_S),
            "scale": self._scale,
            "fit": lambda _: self._fit(),
            "window": self._span,
            "blind": lambda _: host.choose(blind=not self._choices.blind),
            "theme": lambda _: host.use_theme("light" if host.settings.theme == "dark" else "dark"),
            "reset": lambda _: host.page.reset_places(),
            "full": lambda _: host.toggle_full(),
            "help": lambda _: host.page.help.toggle(),
            "panels": lambda _: host.page.controls.buttons["panels"].showMenu(),
            "escape": lambda _: self._escape(),
            "protocol_begin": lambda _: host.protocol_do("begin"),
            "protocol_pause": lambda _: host.protocol_do("pause"),
            "protocol_repeat": lambda _: host.protocol_do("repeat"),
            "protocol_skip": lambda _: host.protocol_do("skip"),
            "protocol_abort": lambda _: host.protocol_do("abort"),
        }

    def do(self, what: str, key: str = "") -> None:
        """Do what a key or a button stands for; ``key`` is the one that was pressed."""
        self._named[what](key)

    def enter(self, kind: CommandKind, text: str, time_s: float) -> None:
        """Save a mark or a note that was written."""
        self._host.send(Command(kind, text, time_s))

    def end(self) -> None:
        """End the session; the engine is told once."""
        if not self._told_to_end:
            self._told_to_end = True
            self._host.send(Command("stop_session"))

    def refused(self) -> None:
        """Take note that the engine did not do what it was told, which may have been to end."""
        self._told_to_end = False

    def look_back(self, ago_s: float) -> None:
        """Show what was there some seconds before the freeze."""
        self._host.choose(ago_s=ago_s)

    def choose_eeg(self, choice: EegChoice) -> None:
        """Draw the EEG as the user chose."""
        self._host.choose(eeg=choice)

    def fill_menu(self) -> None:
        """Fill the menu of panels."""
        menu = self._host.page.controls.menu
        self._host.page.docks.fill_menu(menu)
        menu.addSeparator()
        light = self._host.settings.theme == "light"
        menu.addAction(strings.DARK_THEME if light else strings.LIGHT_THEME, lambda: self.do("theme"))
        menu.addAction(strings.RESET_LAYOUT, lambda: self.do("reset"))

    def _pause(self) -> None:
        newest = None if self._host.view is None else self._host.view.newest
        paused = newest is not None and newest.recording is not None and newest.recording.paused
        self._host.send(Command("resume_recording" if paused else "pause_recording"))

    def _ask_to_end(self) -> None:
        if self._host.read_only:
            self._host.send(Command("stop_session"))
        elif not self._told_to_end:
            self._host.page.end_question.ask(self._host.view)

    def _mark(self, text: str) -> None:
        self._host.send(Command("mark", text, self._host.lsl_now()))

    def _write(self, kind: CommandKind) -> None:
        if self._host.read_only:
            self._host.send(Command(kind))
        else:
            self._host.page.entry.begin(kind, self._host.lsl_now())

    def _move(self, seconds: float) -> None:
        frozen = None if self._host.view is None else self._host.view.frozen
        if frozen is not None:
            self.look_back(min(max(frozen.ago_s + seconds, 0.0), frozen.longest_s))

    def _scale(self, key: str) -> None:
        traces = None if self._host.view is None else self._host.view.traces
        if traces is not None:
            # A larger picture is a smaller distance in microvolts.
            place = nearest(SCALES_UV, traces.span_uv) + (-1 if key == "+" else 1)
            self._choose(span_uv=SCALES_UV[min(max(place, 0), len(SCALES_UV) - 1)])

    def _fit(self) -> None:
        if (span_uv := self._host.view_model.fit_eeg()) is not None:
            self._choose(span_uv=span_uv)

    def _span(self, key: str) -> None:
        place = nearest(WINDOWS_S, self._choices.eeg.window_s) + (-1 if key == "[" else 1)
        self._choose(window_s=WINDOWS_S[min(max(place, 0), len(WINDOWS_S) - 1)])

    def _escape(self) -> None:
        page = self._host.page
        if page.help.isHidden() and page.end_question.isHidden() and page.entry.isHidden():
            self._host.leave()
        page.help.hide()
        page.end_question.hide()
        page.entry.leave()

    @property
    def _choices(self) -> Any:
        return self._host.view_model.choices

    def _choose(self, **changes: Any) -> None:
        self._host.choose(eeg=replace(self._choices.eeg, **changes))
