"""The window of the replay page: opens recordings, plays them, and passes on what its user wants."""

import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PyQt5.QtCore import Qt, QTimer
from PyQt5.QtGui import QCloseEvent, QResizeEvent
from PyQt5.QtWidgets import QShortcut, QVBoxLayout, QWidget

from ....models.contract import Image
from ....models.contract.viewing import Decoding, OpenSession
from .. import strings, theme
from ..display import first_size
from ..settings import Settings
from .actions import Actions
from .page import ReplayPage
from .sound_out import Output, SoundOut, loudspeaker
from .start_page import StartPage
from .state.replay import PageData, Replay
from .state.worker import Worker
from .tools import DecodeRun, ReplayTools

RATE_HZ = 30
_SLOW_S = 0.3  # from asking for a frame until it is there
_EXACT_UP_TO = 2.0  # times as fast; beyond, whole frames of the film are picked instead of every one decoded
SMALLEST = (1024, 680)
_REBUILD_MS = 200


class ReplayWindow(QWidget):
    """The window.

    Parameters
    ----------
    tools : ReplayTools
    path : Path or None
        Opened first; None shows what there is to open.
    folder : Path or None
        Where recordings are looked for.
    settings : Settings or None
        None are those of the user.
    size : (width, height) or None
        None is what fits the screen.
    clock : callable
        Monotonic seconds.
    open_output : callable
        Opens the loudspeaker.
    """

    def __init__(
        self,
        tools: ReplayTools,
        path: Path | None = None,
        folder: Path | None = None,
        settings: Settings | None = None,
        size: tuple[int, int] | None = None,
        clock: Callable[[], float] = time.monotonic,
        open_output: Callable[[float], Output] = loudspeaker,
    ) -> None:
        super().__init__()
        self.setObjectName("window")
        self.setAttribute(Qt.WA_StyledBackground)
        self.setWindowTitle(f"{strings.BRAND} · {strings.REPLAY_TITLE}")
        self.setMinimumSize(*SMALLEST)
        self.resize(*(size or first_size(SMALLEST)))
        self.settings = settings or Settings()
        self.tools, self._folder, self._clock, self._open_output = tools, folder, clock, open_output
        self.replay: Replay | None = None
        self.sound: SoundOut | None = None
        self.run: DecodeRun | None = None
        self._opening: Worker[OpenSession] = Worker("replay-open")
        # What is read names the session it is of: another one may be open by then.
        self._samples: Worker[tuple[Replay, PageData]] = Worker("replay-samples")
        self._frames: Worker[tuple[Replay, Image]] = Worker("replay-frames")
        self._estimates: Worker[tuple[Replay, tuple[Decoding, ...]]] = Worker("replay-estimates")
        self._workers: tuple[Worker[Any], ...] = (self._opening, self._samples, self._frames, self._estimates)
        self._scratch = TemporaryDirectory(prefix="moodring-replay-")
        self.scratch = Path(self._scratch.name)
        self._data: PageData | None = None
        self._image: Image | None = None
        self._frame: tuple[int, bool] | None = None
        self._asked_s, self._slow = 0.0, False
        self._said: tuple[str, str] = ("", "idle")
        self.pictures = 0
        """Frames shown so far."""
        self._outer = QVBoxLayout(self)
        self._outer.setContentsMargins(0, 0, 0, 0)
        self.deeds = Actions(self)
        self._keys = [self._key(one, what) for _, keys, what, _ in strings.REPLAY_SHORTCUTS for one in keys]
        self.page: ReplayPage | None = None
        self.start: StartPage | None = None
        self.rebuild()
        self._rebuild_timer = QTimer(self)
        self._rebuild_timer.setSingleShot(True)
        self._rebuild_timer.timeout.connect(self.rebuild)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.PreciseTimer)
        self._timer.timeout.connect(self.tick)
        self._timer.start(round(1000 / RATE_HZ))
        if path is not None:
            self.open(path)

    @property
    def drawn(self) -> bool:
        """Whether the frame and the samples of the present place are shown."""
        return self._samples.idle and self._frames.idle and self._frame is not None

    @property
    def settled(self) -> bool:
        """Whether all that was asked for has been read and is shown."""
        return all(worker.idle for worker in self._workers)

    @property
    def widget(self) -> QWidget:
        """The window itself."""
        return self

    def open(self, path: Path) -> None:
        """Open a recording; what was open stays until the other one is there."""
        if not self.deeds.may_leave():
            return
        self.say(strings.REPLAY_OPENING.format(path=path))
        self._opening.ask(lambda: self.tools.open(path))

    def say(self, text: str, tone: Any = "idle") -> None:
        """Show a sentence."""
        self._said = (text, tone)
        part = self.page or self.start
        if part is not None:
            part.say(text, tone)

    def tick(self) -> None:
        """Take what was read, and show the present place."""
        opened = self._opening.take()
        if isinstance(opened, Exception):
            self.say(_line(opened), "bad")
        elif opened is not None:
            self._show_session(opened)
        self._follow_run()
        if self.replay is None or self.page is None:
            return
        self._take_read(self.replay, self.page)
        self._follow_place(self.replay, self.page)

    def show_chosen(self) -> None:
        """Show what was chosen, and read what it needs."""
        if self.replay is None or self.page is None:
            return
        self.replay.turn_page()
        self._ask_samples(self.replay)
        self.page.show_replay(self.replay)

    def decode(self, bundle: Path, out: Path) -> None:
        """Decode the recording again."""
        if self.replay is not None and self.run is None:
            self.run = DecodeRun(self.tools.decode, self.replay.session.path, bundle, out)

    def cancel(self) -> None:
        """End decoding again."""
        if self.run is not None:
            self.run.close()
            self.run = None
            self.say(strings.REPLAY_CANCELLED, "warn")
            if self.page is not None:
                self.page.show_progress(None)

    def place_sound(self) -> None:
        """Play the sound from the present place on where it plays at 1x, and be silent elsewhere."""
        replay, sound = self.replay, self.sound
        if replay is None or sound is None:
            return
        sound.stop()
        if replay.transport.playing and replay.transport.speed == 1.0:
            t0_s = replay.session.t0_s
            sound.play(replay.transport.place_s + t0_s, replay.session.stop_s)

    def rebuild(self) -> None:
        """Build the page anew, in the palette and at the scale of the moment."""
        self._scale = theme.scale_for(self.width(), self.height())
        theme.use(self.settings.theme, self._scale)
        self.setPalette(theme.palette())
        self.setStyleSheet(theme.style())
        self.setFont(theme.font(12))
        rater = "" if self.page is None else self.page.rating.rater.text()
        before: list[QWidget] = [one for one in (self.page, self.start) if one is not None]
        if self.replay is None:
            self.start, self.page = StartPage(self._folder), None
            self.start.pressed.connect(self.deeds.do)
            self.start.opened.connect(self.open)
            self._outer.addWidget(self.start)
        else:
            self.page, self.start = ReplayPage(), None
            self.page.pressed.connect(self.deeds.do)
            self.page.chosen.connect(self.deeds.choose)
            self.page.sought.connect(self.deeds.seek)
            self.page.rated.connect(self.deeds.set_value)
            self.page.rating.rater.setText(rater)
            self._outer.addWidget(self.page)
        for one in before:
            self._outer.removeWidget(one)
            one.hide()
            one.deleteLater()
        shown = self.page or self.start
        if before and shown is not None:
            # At once, so that no empty window is seen in between.
            shown.show()
            self._outer.activate()
        if self._said[0]:
            self.say(*self._said)
        if self.replay is not None and self.page is not None:
            self.page.show_replay(self.replay)
            if self._data is not None:
                self.page.show_samples(self.replay, self._data)
            if self._image is not None:
                self.page.show_frame(self._image)

    def leave(self) -> None:
        """Close, whatever is not saved."""
        self.deeds.discard_rating()
        self.close()

    def _show_session(self, session: OpenSession) -> None:
        """Show a session that was opened, from its beginning."""
        self._let_go()
        self.replay = Replay(session, self._clock)
        self.replay.turn_page()
        self._data, self._image, self._frame = None, None, None
        self.sound = None if session.sound is None else SoundOut(session.sound, self._open_output)
        problems = " ".join(session.problems)
        self._said = (problems or strings.REPLAY_READING, "warn" if problems else "idle")
        self.rebuild()
        self._ask_samples(self.replay)
        replay = self.replay
        self._estimates.ask(lambda: (replay, session.decodings()))

    def _take_read(self, replay: Replay, page: ReplayPage) -> None:
        data = self._samples.take()
        if isinstance(data, Exception):
            self.say(_line(data), "bad")
        elif data is not None and data[0] is replay:
            self._data = data[1]
            page.show_samples(replay, data[1])
        frame = self._frames.take()
        if isinstance(frame, Exception):
            self._image = None
            page.show_frame(None, _line(frame))
        elif frame is not None and frame[0] is replay:
            self._image = frame[1]
            self._slow = self._slow or time.monotonic() - self._asked_s > _SLOW_S
            self.pictures += 1
            page.show_frame(frame[1])
        decodings = self._estimates.take()
        if isinstance(decodings, Exception):
            self.say(_line(decodings), "bad")
        elif decodings is not None and decodings[0] is replay:
            replay.take_decodings(decodings[1])
            if self._said[0] == strings.REPLAY_READING:
                self.say("" if replay.decodings else strings.REPLAY_NO_ESTIMATES)
            page.show_replay(replay)

    def _follow_place(self, replay: Replay, page: ReplayPage) -> None:
        place_s = replay.transport.place_s
        if replay.rating is not None:
            if replay.transport.playing:
                replay.rating.played(place_s)
                page.show_rating(replay)
            else:
                replay.rating.stopped()
        if replay.turn_page():
            self._ask_samples(replay)
            page.show_page(replay)
        index = replay.frame_index(place_s)
        # Where decoding every frame takes longer than they last, whole frames of the film keep up.
        self._slow = self._slow and replay.transport.playing
        hurried = replay.transport.playing and (replay.transport.speed > _EXACT_UP_TO or self._slow)
        if index is not None and (index, hurried) != self._frame and not (hurried and not self._frames.free):
            self._frame = (index, hurried)
            self._asked_s = time.monotonic()
            self._frames.ask(lambda: (replay, replay.read_frame(index, exact=not hurried)))
        page.show_place(replay)
        page.transport.sound.setText(self._sound_line(replay))

    def _sound_line(self, replay: Replay) -> str:
        if self.sound is None:
            return strings.REPLAY_NO_SOUND
        if replay.transport.speed != 1.0:
            return strings.REPLAY_SILENT_SPEED
        return strings.REPLAY_SILENT.format(why=self.sound.failed) if self.sound.failed else ""

    def _follow_run(self) -> None:
        run = self.run
        if run is None or self.page is None or self.replay is None:
            return
        name = run.bundle.stem
        if not run.over:
            self.page.show_progress(run.share)
            self.say(strings.REPLAY_DECODING.format(bundle=name, share=run.share))
            return
        error = run.error
        run.close()
        self.run = None
        self.page.show_progress(None)
        if error is not None:
            self.say(error, "bad")
        else:
            self.deeds.take_decoded(run.out, name)

    def _ask_samples(self, replay: Replay) -> None:
        page, passband = replay.page, replay.passband
        if page is not None and (replay.session.eeg is not None or replay.session.sound is not None):
            self._samples.ask(lambda: (replay, replay.read_page(page, passband)))

    def _key(self, sequence: str, what: str) -> QShortcut:
        key = QShortcut(sequence, self)
        key.setAutoRepeat(what in ("seek", "leap", "frame", "marker", "nudge", "scale"))
        key.activated.connect(lambda: self.deeds.do(what, sequence))
        return key

    def _let_go(self) -> None:
        if self.sound is not None:
            self.sound.stop()
        if self.run is not None:
            self.run.close()
            self.run = None

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Let fonts follow, once the size stays."""
        super().resizeEvent(event)
        if hasattr(self, "_rebuild_timer") and theme.scale_for(self.width(), self.height()) != self._scale:
            self._rebuild_timer.start(_REBUILD_MS)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802
        """End what runs; a rating that is not saved is asked about first."""
        if not self.deeds.may_leave() and event is not None:
            event.ignore()
            return
        self._timer.stop()
        self._rebuild_timer.stop()
        self._let_go()
        for worker in self._workers:
            worker.close()
        self._scratch.cleanup()
        self.settings.save()
        super().closeEvent(event)


def _line(error: Exception) -> str:
    """Return an error as one line."""
    return str(error).splitlines()[0] if str(error) else type(error).__name__
