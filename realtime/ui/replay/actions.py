"""What each button and key of the replay page does."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from PyQt5.QtCore import QPoint
from PyQt5.QtWidgets import QFileDialog, QMenu, QWidget

from ....configs.schema.errors import MoodringError
from ....configs.schema.session_folder import DECODING_FILE, DECODINGS_FOLDER, plain_name
from ....models.contract.viewing import Decoding
from ....models.io.journal import read_journal
from ....models.io.ratings import write_rating
from .. import strings
from ..settings import Settings
from .page import ReplayPage
from .state.rating import KEY_STEP, RatingInProgress
from .state.replay import PASSBANDS, SPANS_S, Replay
from .state.transport import SPEEDS
from .tools import DecodeRun

_SEEK_S, _LEAP_S = 1.0, 10.0
_BACK = ("Left", "PgUp", "Home", ",", "P", "-", "[", "Ctrl++")
_NUDGES = {"W": (0.0, KEY_STEP), "S": (0.0, -KEY_STEP), "A": (-KEY_STEP, 0.0), "D": (KEY_STEP, 0.0)}


class Host(Protocol):
    """Protocol of the window that actions are of."""

    replay: Replay | None
    page: ReplayPage | None
    run: DecodeRun | None
    settings: Settings
    scratch: Path

    def open(self, path: Path) -> None:
        """Open a recording."""
        ...

    def say(self, text: str, tone: Any = "idle") -> None:
        """Show a sentence."""
        ...

    def show_chosen(self) -> None:
        """Show what was chosen."""
        ...

    def place_sound(self) -> None:
        """Play the sound from the present place on, or be silent."""
        ...

    def decode(self, bundle: Path, out: Path) -> None:
        """Decode the recording again."""
        ...

    def cancel(self) -> None:
        """End decoding again."""
        ...

    def rebuild(self) -> None:
        """Build the page anew."""
        ...

    @property
    def widget(self) -> QWidget:
        """The window itself."""
        ...


class Actions:
    """The actions of a window, by the names of buttons and keys.

    Parameters
    ----------
    host : Host
    """

    def __init__(self, host: Host) -> None:
        self._window = host
        self._left_once = False
        self._deeds: dict[str, Callable[[int], None]] = {
            "play": lambda _: self.play(),
            "seek": lambda sign: self.move(sign * _SEEK_S),
            "leap": lambda sign: self.move(sign * _LEAP_S),
            "edge": self._edge,
            "frame": self._frame,
            "marker": self._marker,
            "speed": self._speed,
            "span": self._span,
            "scale": self._scale,
            "fit": lambda _: self._fit(),
            "rate": lambda _: self.rate(),
            "save_rating": lambda _: self.save_rating(),
            "discard_rating": lambda _: self.discard_rating(),
            "decode": lambda _: self._offer_bundles(),
            "cancel": lambda _: self._window.cancel(),
            "open_folder": lambda _: self._open_folder(),
            "open_file": lambda _: self._open_file(),
            "theme": lambda _: self._theme(),
            "full": lambda _: self._full(),
            "help": lambda _: self._help(),
            "escape": lambda _: self._escape(),
        }

    def do(self, what: str, key: str = "") -> None:
        """Do what a button or a key asks for."""
        if what.endswith(("_back", "_on")):
            what, _, way = what.rpartition("_")
            sign = -1 if way == "back" else 1
        else:
            sign = -1 if key in _BACK else 1
        if what == "nudge":
            self.nudge(key)
        else:
            self._deeds[what](sign)

    def choose(self, what: str, index: int) -> None:
        """Take a choice of one of the boxes."""
        replay = self._window.replay
        if replay is None:
            return
        if what == "speed":
            replay.transport.set_speed(SPEEDS[index])
            self._window.place_sound()
        elif what == "span":
            replay.span_s = SPANS_S[index]
        elif what == "passband":
            replay.passband, replay.span_uv = PASSBANDS[index], None
        elif what == "scale":
            replay.choose_scale_at(index)
        elif what == "head":
            replay.head = replay.heads[index]
        elif what == "first":
            replay.chosen = (index, None if replay.chosen[1] == index else replay.chosen[1])
        elif what == "second":
            replay.chosen = (replay.chosen[0], None if index == 0 or index - 1 == replay.chosen[0] else index - 1)
        self._window.show_chosen()

    def play(self) -> None:
        """Play, or stop."""
        if (replay := self._window.replay) is not None:
            replay.transport.toggle()
            self._window.place_sound()

    def seek(self, to_s: float) -> None:
        """Go to a place."""
        if (replay := self._window.replay) is not None:
            replay.transport.seek(to_s)
            if replay.rating is not None:
                replay.rating.stopped()
            self._window.place_sound()

    def move(self, by_s: float) -> None:
        """Go back or on."""
        if (replay := self._window.replay) is not None:
            self.seek(replay.transport.place_s + by_s)

    def set_value(self, valence: float, arousal: float) -> None:
        """Set the value of the rating."""
        replay, page = self._window.replay, self._window.page
        if replay is not None and page is not None and replay.rating is not None:
            replay.rating.set_value(valence, arousal)
            page.show_rating(replay)

    def nudge(self, key: str) -> None:
        """Move the value of the rating by a key."""
        replay = self._window.replay
        if replay is not None and replay.rating is not None:
            valence, arousal = replay.rating.value
            self.set_value(round(valence + _NUDGES[key][0], 3), round(arousal + _NUDGES[key][1], 3))

    def rate(self) -> None:
        """Begin to rate."""
        replay, page = self._window.replay, self._window.page
        if replay is None or page is None or replay.rating is not None:
            return
        if replay.session.folder is None:
            self._window.say(strings.REPLAY_RATE_NOWHERE, "warn")
            return
        replay.rating = RatingInProgress(replay.transport.start_s, replay.transport.stop_s)
        self._window.say(strings.REPLAY_RATE_HINT)
        self._window.show_chosen()
        if not page.rating.rater.text():
            page.rating.rater.setFocus()

    def save_rating(self) -> None:
        """Save the rating beside the recording."""
        replay, page = self._window.replay, self._window.page
        if replay is None or page is None or replay.rating is None or replay.session.folder is None:
            return
        rater = " ".join(page.rating.rater.text().split())
        if not rater:
            self._window.say(strings.REPLAY_RATER_MISSING, "warn")
            return
        replay.transport.pause()
        self._window.place_sound()
        made = replay.rating.finished(rater, replay.session.t0_s)
        try:
            path = write_rating(replay.session.folder, made)
        except MoodringError as error:
            self._window.say(str(error), "bad")
            return
        replay.ratings, replay.rating = (*replay.ratings, made), None
        self._window.say(strings.REPLAY_RATING_SAVED.format(rater=rater, path=path), "good")
        self._window.show_chosen()

    def discard_rating(self) -> None:
        """Forget the rating."""
        if (replay := self._window.replay) is not None:
            replay.rating = None
            self._window.say("")
            self._window.show_chosen()

    def may_leave(self) -> bool:
        """Return whether the window may close; with a rating that is not saved, only at the second time."""
        replay = self._window.replay
        unsaved = replay is not None and replay.rating is not None and replay.rating.rated_s > 0
        if not unsaved or self._left_once:
            return True
        self._left_once = True
        self._window.say(strings.REPLAY_UNSAVED, "warn")
        return False

    def decode_with(self, bundle: Path) -> None:
        """Decode again with a bundle."""
        replay = self._window.replay
        if replay is None or self._window.run is not None:
            return
        try:
            with bundle.open("rb") as file:
                sha = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            self._window.say(strings.REPLAY_NO_BUNDLE.format(path=bundle, why=error.strerror or error), "bad")
            return
        # Bundles of one name may differ.
        name = DECODING_FILE.format(f"{plain_name(bundle.stem)}-{sha[:6]}")
        folder = replay.session.folder
        out = self._window.scratch / name if folder is None else folder / DECODINGS_FOLDER / name
        self._window.decode(bundle, out)

    def take_decoded(self, path: Path, bundle: str) -> None:
        """Show the estimates that were decoded again."""
        replay = self._window.replay
        if replay is None:
            return
        try:
            decoding = Decoding(path.stem, read_journal(path))
        except MoodringError as error:
            self._window.say(str(error), "bad")
            return
        replay.add_decoding(decoding)
        self._window.say(strings.REPLAY_DECODED.format(bundle=bundle, count=len(decoding.estimates), path=path), "good")
        self._window.show_chosen()

    def _edge(self, sign: int) -> None:
        if (replay := self._window.replay) is not None:
            self.seek(replay.transport.start_s if sign < 0 else replay.transport.stop_s)

    def _frame(self, sign: int) -> None:
        if (replay := self._window.replay) is not None:
            replay.transport.step(replay.frame_times_s, sign)
            self._window.place_sound()

    def _marker(self, sign: int) -> None:
        replay = self._window.replay
        if replay is None:
            return
        if not replay.transport.to_marker(replay.marker_times_s, sign):
            self._window.say(strings.REPLAY_NO_MARKER)
        self._window.place_sound()

    def _speed(self, sign: int) -> None:
        if (replay := self._window.replay) is not None:
            replay.transport.faster(sign)
            self._window.place_sound()
            self._window.show_chosen()

    def _span(self, sign: int) -> None:
        if (replay := self._window.replay) is not None:
            replay.choose_span(sign)
            self._window.show_chosen()

    def _scale(self, sign: int) -> None:
        if (replay := self._window.replay) is not None:
            replay.choose_scale(sign)
            self._window.show_chosen()

    def _fit(self) -> None:
        if (replay := self._window.replay) is not None:
            replay.span_uv = None
            self._window.show_chosen()

    def _offer_bundles(self) -> None:
        page = self._window.page
        if page is None or self._window.run is not None:
            return
        from ....models.io.bundle import bundled  # loads PyTorch, which the page itself does not need

        menu = QMenu(page)
        for path in sorted(bundled("attention").parent.glob("*.safetensors")):
            menu.addAction(path.stem, lambda path=path: self.decode_with(path))
        menu.addSeparator()
        menu.addAction(strings.REPLAY_OTHER_BUNDLE, self._other_bundle)
        button = page.buttons["decode"]
        menu.popup(button.mapToGlobal(QPoint(0, button.height())))

    def _other_bundle(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self._window.widget, strings.REPLAY_OTHER_BUNDLE, "", strings.REPLAY_BUNDLES
        )
        if chosen:
            self.decode_with(Path(chosen))

    def _open_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._window.widget, strings.REPLAY_BUTTONS["open_folder"][0])
        if chosen:
            self._window.open(Path(chosen))

    def _open_file(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(
            self._window.widget, strings.REPLAY_BUTTONS["open_file"][0], "", strings.REPLAY_FILES
        )
        if chosen:
            self._window.open(Path(chosen))

    def _theme(self) -> None:
        self._window.settings.theme = "dark" if self._window.settings.theme == "light" else "light"
        self._window.rebuild()

    def _full(self) -> None:
        window = self._window.widget
        if window.isFullScreen():
            window.showNormal()
        else:
            window.showFullScreen()

    def _help(self) -> None:
        if self._window.page is not None:
            self._window.page.help.toggle()

    def _escape(self) -> None:
        if self._window.page is not None:
            self._window.page.help.hide()
