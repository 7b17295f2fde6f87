"""The replay page: the film and the plane on the left, charts over time on the right, the timeline below."""

import numpy as np
from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from ....models.contract import FloatArray, Image, TimeArray
from ...screens.wording import MARKS, Tone
from .. import strings, theme
from ..live.help_page import HelpPage
from .bars import EstimateBar, Legend, RatingBar, TransportBar, button
from .film import AffectPlane, FilmView, Marks
from .state.curves import value_at
from .state.replay import PageData, Replay, ShownDecoding
from .time_chart import ClassTrack, EegTrack, LevelTrack, SoundTrack
from .timeline import MarkerStrip, Timeline

_TOP = ("open_folder", "open_file", "decode", "cancel", "rate", "help")


class ReplayPage(QWidget):
    """Shows a :class:`Replay`; tells by its signals what its user wants."""

    pressed = pyqtSignal(str)
    chosen = pyqtSignal(str, int)
    sought = pyqtSignal(float)
    rated = pyqtSignal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.buttons = {name: button(name) for name in _TOP}
        self.heading = theme.ElidedLabel(12, bold=True)
        self.message = theme.SteadyLabel(2, 12, theme.SOFT)
        self.progress = QProgressBar()
        self.film, self.plane, self.legend = FilmView(), AffectPlane(), Legend()
        self.eeg, self.sound, self.markers = EegTrack(), SoundTrack(strings.REPLAY_SOUND), MarkerStrip()
        self.levels = (LevelTrack(strings.VALENCE), LevelTrack(strings.AROUSAL))
        self.classes = ClassTrack()
        self.timeline, self.transport = Timeline(), TransportBar()
        self.estimates, self.rating = EstimateBar(), RatingBar()
        self.charts = (self.eeg, self.sound, *self.levels, self.classes)
        self._compose()
        self._connect()
        self.help = HelpPage(self, strings.REPLAY_SHORTCUTS, "")

    def say(self, text: str, tone: Tone = "idle") -> None:
        """Show a sentence."""
        self.message.setText(f"{MARKS[tone]} {text}" if text else "")
        self.message.setToolTip(text)
        self.message.setVisible(bool(text))
        theme.tinted(self.message, theme.TONES[tone])

    def show_replay(self, replay: Replay) -> None:
        """Show everything that does not move: what there is, and what was chosen."""
        about = (replay.session.title, replay.session.recorded_at[:16].replace("T", " "))
        self.heading.setText(" · ".join(one for one in about if one))
        self.eeg.setVisible(replay.session.eeg is not None)
        self.sound.setVisible(replay.session.sound is not None)
        if replay.session.film is None:
            self.film.show_frame(None, strings.REPLAY_NO_FILM)
        for part in (self.transport, self.estimates, self.rating, self.legend):
            part.show_replay(replay)
        self.plane.set_rating(replay.rating is not None)
        first = replay.shown[0]
        span = replay.transport.start_s, replay.transport.stop_s
        self.timeline.show_session(span, replay.marker_times_s, None if first is None else first.levels[0])
        self.show_page(replay)

    def show_page(self, replay: Replay) -> None:
        """Show another stretch of time; samples come later, by :meth:`show_samples`."""
        page = replay.page
        if page is None:
            return
        for chart in self.charts:
            chart.show_page(*page)
        self.markers.show_markers(replay.markers, page)
        for axis, track in enumerate(self.levels):
            for which, one in enumerate(replay.shown):
                track.show_level(which, None if one is None else one.levels[axis], page)
            if replay.truth is not None:
                track.show_curve(track.truth, replay.truth.stamps_s, replay.truth.values[:, axis])
            times_s, values = _joined(replay)
            track.show_curve(track.ratings, times_s, values[:, axis])
        self.classes.show_classes(replay.classes(), page)
        self.show_rating(replay)

    def show_samples(self, replay: Replay, data: PageData) -> None:
        """Show the samples of a stretch of time."""
        if data.eeg is not None and replay.session.eeg is not None and len(data.eeg[0]):
            self.eeg.show_columns(*data.eeg, replay.session.eeg.channel_names, replay.fit(data.eeg[1]))
        if data.sound is not None:
            self.sound.show_sound(*data.sound, data.page)
        self.transport.show_replay(replay)

    def show_frame(self, image: Image | None, why: str = "") -> None:
        """Show a frame."""
        self.film.show_frame(image, why)

    def show_place(self, replay: Replay) -> None:
        """Show the present place everywhere."""
        place_s = replay.transport.place_s
        for chart in self.charts:
            chart.show_place(place_s)
        self.timeline.show_place(place_s, replay.page or (place_s, place_s))
        self.transport.show_place(place_s, replay.transport.stop_s, replay.transport.playing)
        self.film.show_box(replay.box(place_s))
        self.plane.show_marks(_marks(replay, place_s))

    def show_rating(self, replay: Replay) -> None:
        """Show the rating that is being made."""
        rating = replay.rating
        for axis, track in enumerate(self.levels):
            if rating is None:
                track.new_rating.setData([], [])
            else:
                track.show_curve(track.new_rating, rating.times_s, rating.values[:, axis])
        self.rating.show_replay(replay)

    def show_progress(self, share: float | None) -> None:
        """Show how far decoding again is; None hides it."""
        self.progress.setVisible(share is not None)
        self.buttons["cancel"].setVisible(share is not None)
        self.buttons["decode"].setVisible(share is None)
        self.progress.setValue(round(100 * (share or 0.0)))

    def _connect(self) -> None:
        for name, one in self.buttons.items():
            one.clicked.connect(lambda _on=False, name=name: self.pressed.emit(name))
        for part in (*self.charts, self.timeline, self.markers):
            part.sought.connect(self.sought)
        for part in (self.transport, self.rating):
            part.pressed.connect(self.pressed)
        for part in (self.transport, self.estimates):
            part.chosen.connect(self.chosen)
        self.plane.moved.connect(self.rated)
        self.rating.moved.connect(self.rated)

    def _compose(self) -> None:
        outer = QVBoxLayout(self)
        space = theme.px(theme.SPACE)
        outer.setContentsMargins(space, theme.px(6), space, theme.px(6))
        outer.setSpacing(theme.px(5))
        top = QHBoxLayout()
        top.setSpacing(theme.px(5))
        top.addWidget(theme.label(strings.BRAND, 16, bold=True))
        top.addWidget(theme.label(strings.REPLAY_TITLE, 16, theme.SOFT, bold=True))
        top.addSpacing(theme.px(8))
        top.addWidget(self.heading, 1)
        self.progress.setFixedWidth(theme.px(120))
        self.progress.setTextVisible(False)
        self.progress.setFixedHeight(theme.px(10))
        top.addWidget(self.progress)
        for one in self.buttons.values():
            top.addWidget(one)
        outer.addLayout(top)
        outer.addWidget(self.message)
        body = QHBoxLayout()
        body.setSpacing(space)
        body.addWidget(self._left(), 3)
        body.addWidget(self._right(), 8)
        outer.addLayout(body, 1)
        outer.addWidget(self.rating)
        outer.addWidget(self.timeline)
        outer.addWidget(self.transport)
        self.show_progress(None)

    def _left(self) -> QWidget:
        frame, column = theme.panel()
        column.addWidget(theme.elastic(self.film), 5)
        column.addWidget(theme.elastic(self.plane), 5)
        column.addWidget(self.legend)
        column.addWidget(self.estimates)
        return frame

    def _right(self) -> QWidget:
        frame, column = theme.panel()
        column.setSpacing(theme.px(2))
        for part, stretch in (
            (self.eeg, 9), (self.sound, 3), (self.markers, 0), (self.levels[0], 4), (self.levels[1], 4),
            (self.classes, 5),
        ):  # fmt: skip
            column.addWidget(part, stretch)
        return frame


def _joined(replay: Replay) -> tuple[TimeArray, FloatArray]:
    """Return all ratings as one line with breaks, on the session's time."""
    pieces = [(one.stamps_s - replay.session.t0_s, one.values, 1.5 / one.rate_hz) for one in replay.ratings]
    times_s, values = [np.zeros(0)], [np.zeros((0, 2), np.float32)]
    for stamps_s, rows, gap_s in pieces:
        after = np.flatnonzero(np.diff(stamps_s) > gap_s) + 1
        times_s += [np.insert(stamps_s, after, stamps_s[after] - 1e-3), np.full(1, np.nan)]
        values += [np.insert(rows, after, np.nan, axis=0), np.full((1, 2), np.nan, np.float32)]
    return np.concatenate(times_s), np.concatenate(values)


def _marks(replay: Replay, place_s: float) -> Marks:
    truth = None
    if replay.truth is not None:
        # A rated stimulus has a value at its begin and at its end.
        truth = _point(value_at(replay.truth.stamps_s, replay.truth.values, place_s, np.inf))
    return Marks(
        tuple(None if one is None else _decoded(one, place_s) for one in replay.shown),
        truth,
        None if replay.rating is None else replay.rating.value,
    )


def _decoded(one: ShownDecoding, place_s: float) -> tuple[tuple[float, float], tuple[float, float]] | None:
    means = [value_at(level.times_s, level.mean, place_s) for level in one.levels]
    found = means + [value_at(level.times_s, level.sd, place_s) for level in one.levels]
    if any(value is None for value in found):
        return None
    valence, arousal, *sds = (float(value) for value in found if value is not None)
    return (valence, arousal), (sds[0], sds[1])


def _point(row: FloatArray | None) -> tuple[float, float] | None:
    return None if row is None else (round(float(row[0]), 3), round(float(row[1]), 3))
