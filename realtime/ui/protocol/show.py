"""The participant's window as a process of its own, so that nothing of the experimenter's holds up a frame."""

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from ....processes import Parent
from ...lab.protocol.job import ProtocolJob, planned

if TYPE_CHECKING:
    from .participant_window import ParticipantWindow

_TICK_MS = 2
_TELL_S = 0.2


def show_protocol(
    parent: Parent,
    job: ProtocolJob,
    avoid: str,
    prepare: Callable[["ParticipantWindow"], object] = lambda _: None,
) -> None:
    """Show a protocol until it is asked to end: the target of a child process.

    Sends ``planned`` with the protocol's name, then ``progress`` again and again, and ``pressed`` for keys of the
    experimenter; takes ``do`` with begin, pause, resume, repeat, skip and abort. An end before the protocol's is an
    abort, and is marked.

    Parameters
    ----------
    parent : Parent
    job : ProtocolJob
    avoid : str
        The screen that the experimenter's window is on.
    prepare : callable
        Called with the window before it is shown.

    Raises
    ------
    MoodringError
        The protocol cannot be shown, or its sound not be heard.
    """
    from PyQt5.QtCore import Qt, QTimer

    from ...engine.lsl_clock import LslClock
    from ...lab.protocol.loudspeaker import Loudspeaker
    from ...lab.protocol.marker_sender import MarkerSender
    from ...lab.protocol.presenter import Presenter
    from ..application import application_here, qt_logged
    from .participant_window import ParticipantWindow
    from .scenes import Patch

    plan = planned(job.file, job.participant, job.session)
    clock = LslClock()
    sounds = any(one.stimulus is not None and one.stimulus.has_sound for one in plan.screens)
    output = Loudspeaker(job.loudspeaker, clock) if sounds and job.loudspeaker != "none" else None
    application = application_here()
    screens = application.screens()
    most = (max(one.size().width() for one in screens), max(one.size().height() for one in screens))
    markers = MarkerSender(job.engine)
    presenter = Presenter(plan, markers, output, most)
    window = ParticipantWindow(presenter, clock.now, Patch(job.patch, job.patch_size))
    window.pressed.connect(lambda deed: parent.send({"pressed": deed}))
    application.screenRemoved.connect(lambda one: window.screen_gone(one.name(), application.screens()))
    desk = _Loop(parent, presenter, window, clock.now, avoid)
    prepared = prepare(window)  # kept as long as the window
    parent.send({"planned": plan.name})
    if len(screens) > 1:
        window.go_to(screens, avoid)
    timer = QTimer()
    timer.setTimerType(Qt.PreciseTimer)
    timer.timeout.connect(desk.turn)
    timer.start(_TICK_MS)
    application.setQuitOnLastWindowClosed(False)
    with qt_logged():
        application.exec_()
    timer.stop()
    del prepared
    if output is not None:
        output.close()
    markers.close()


class _Loop:
    """One turn of the window: messages, a frame, and what the experimenter is told."""

    def __init__(self, parent: Parent, presenter: Any, window: "ParticipantWindow", now: Any, avoid: str) -> None:
        self._parent, self._presenter, self._window, self._now = parent, presenter, window, now
        self._avoid = avoid
        self._told: tuple[Any, ...] = ()
        self._told_s = 0.0

    def turn(self) -> None:
        """Take a turn."""
        message = self._parent.receive()
        if message is not None and "do" in message:
            self._do(message)
        if self._parent.ended.is_set():
            self._end()
            return
        self._window.tick()
        self._tell()

    def _do(self, message: dict[str, Any]) -> None:
        now_s, presenter = self._now(), self._presenter
        match message["do"]:
            case "begin":
                presenter.begin()
            case "pause":
                presenter.pause(now_s, str(message.get("why", "")))
            case "resume":
                presenter.resume(now_s)
            case "repeat":
                presenter.repeat(now_s)
            case "skip":
                presenter.skip(now_s)
            case "abort":
                presenter.abort(now_s)
        if message["do"] in ("begin", "resume", "repeat", "skip"):
            self._to_the_front()

    def _to_the_front(self) -> None:
        """Let the participant's keys come to this window."""
        from ..application import application_here

        application = application_here()
        screens = application.screens()
        if not self._window.isVisible() or (len(screens) > 1 and not self._window.isFullScreen()):
            self._window.go_to(screens, self._avoid)
        if application.platformName() != "offscreen":  # which cannot, and warns
            self._window.raise_()
        self._window.activateWindow()

    def _tell(self) -> None:
        now_s = self._now()
        progress = self._presenter.progress()
        keys = self._window.isActiveWindow() or progress.phase in ("ready", "finished", "aborted")
        told = (progress.phase, progress.step, progress.trouble, keys)
        if told != self._told or now_s - self._told_s >= _TELL_S:
            self._told, self._told_s = told, now_s
            alone = not self._window.isFullScreen() and self._window.isVisible()
            self._parent.send({"progress": asdict(progress), "keys": keys, "alone": alone})

    def _end(self) -> None:
        from ..application import application_here

        self._presenter.abort(self._now())
        self._window.tick()
        self._presenter.close()
        self._window.end()
        application_here().quit()
