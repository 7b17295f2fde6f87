"""The rows of buttons of the replay page, and the legend of its lines."""

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QPainter, QPen
from PyQt5.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QSizePolicy, QSlider, QToolButton, QWidget

from .. import strings, theme
from ..live.view import SCALES_UV
from ..painting import Canvas, ChoiceBox
from .state.curves import title
from .state.replay import PASSBANDS, SPANS_S, Replay
from .state.transport import SPEEDS
from .time_chart import clock

_SLIDER_STEPS = 100


def button(name: str) -> QToolButton:
    """Return one of the page's buttons."""
    text, tip = strings.REPLAY_BUTTONS[name]
    made = QToolButton()
    made.setText(text)
    made.setToolTip(tip)
    made.setFont(theme.font(12))
    made.setFocusPolicy(Qt.NoFocus)
    return made


def _choices(texts: list[str], tip: str) -> ChoiceBox:
    made = ChoiceBox()
    made.addItems(texts)
    made.setToolTip(tip)
    made.setFont(theme.font(11))
    made.setFocusPolicy(Qt.NoFocus)
    return made


def _index(box: ChoiceBox, index: int) -> None:
    box.blockSignals(True)
    box.setCurrentIndex(index)
    box.blockSignals(False)


class TransportBar(QWidget):
    """Play, steps and speed; what the charts show of the EEG and of the estimates."""

    pressed = pyqtSignal(str)
    chosen = pyqtSignal(str, int)

    def __init__(self) -> None:
        super().__init__()
        self.buttons = {name: button(name) for name in ("marker_back", "frame_back", "play", "frame_on", "marker_on")}
        self.place = theme.label("", 13, bold=True)
        self.sound = theme.ElidedLabel(11, theme.SOFT)
        self.boxes = {
            "speed": _choices([strings.REPLAY_SPEED.format(speed=one) for one in SPEEDS], strings.REPLAY_SPEED_TIP),
            "span": _choices([strings.REPLAY_SPAN.format(seconds=one) for one in SPANS_S], strings.REPLAY_SPAN_TIP),
            "passband": _choices([_band_name(one) for one in PASSBANDS], strings.REPLAY_FILTER_TIP),
            "scale": _choices(
                [strings.REPLAY_SCALE.format(microvolts=one) for one in SCALES_UV], strings.REPLAY_SCALE_TIP
            ),
        }
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(5))
        for name, one in self.buttons.items():
            one.clicked.connect(lambda _on=False, name=name: self.pressed.emit(name))
            one.setMinimumWidth(theme.px(34))
            row.addWidget(one)
        row.addWidget(self.boxes["speed"])
        row.addSpacing(theme.px(8))
        row.addWidget(self.place)
        row.addSpacing(theme.px(8))
        row.addWidget(self.sound, 1)
        for name in ("passband", "scale", "span"):
            row.addWidget(self.boxes[name])
        for name, box in self.boxes.items():
            box.activated.connect(lambda index, name=name: self.chosen.emit(name, index))

    def show_replay(self, replay: Replay) -> None:
        """Show what was chosen."""
        _index(self.boxes["speed"], SPEEDS.index(replay.transport.speed))
        _index(self.boxes["span"], SPANS_S.index(replay.span_s))
        _index(self.boxes["passband"], PASSBANDS.index(replay.passband))
        _index(self.boxes["scale"], SCALES_UV.index(replay.span_uv) if replay.span_uv in SCALES_UV else -1)
        for name in ("passband", "scale"):
            self.boxes[name].setVisible(replay.session.eeg is not None)
        for name in ("frame_back", "frame_on"):
            self.buttons[name].setEnabled(replay.session.film is not None)
        for name in ("marker_back", "marker_on"):
            self.buttons[name].setEnabled(bool(replay.markers))

    def show_place(self, place_s: float, stop_s: float, playing: bool) -> None:
        """Show the present place, and whether it plays."""
        self.place.setText(strings.REPLAY_PLACE.format(place=clock(place_s), end=clock(stop_s)))
        text = strings.REPLAY_PAUSE if playing else strings.REPLAY_BUTTONS["play"][0]
        if self.buttons["play"].text() != text:
            self.buttons["play"].setText(text)


class EstimateBar(QWidget):
    """Which estimates are drawn, and whose classes."""

    chosen = pyqtSignal(str, int)

    def __init__(self) -> None:
        super().__init__()
        self.boxes = {
            "first": _choices([], strings.REPLAY_SHOWN_TIP),
            "second": _choices([], strings.REPLAY_BESIDE_TIP),
            "head": _choices([], strings.REPLAY_HEAD_TIP),
        }
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(5))
        for name, box in self.boxes.items():
            box.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
            row.addWidget(box, 1)
            box.activated.connect(lambda index, name=name: self.chosen.emit(name, index))

    def show_replay(self, replay: Replay) -> None:
        """Show what there is, and what was chosen."""
        names = [one.name for one in replay.decodings]
        first, second = replay.chosen
        for name, items, index in (
            ("first", names, -1 if first is None else first),
            ("second", [strings.REPLAY_ALONE, *names], 0 if second is None else second + 1),
            ("head", [title(one) for one in replay.heads], _place(replay.heads, replay.head)),
        ):
            box = self.boxes[name]
            box.blockSignals(True)
            box.clear()
            box.addItems(items)
            box.setCurrentIndex(index)
            box.blockSignals(False)
            box.setToolTip(f"{box.currentText()}\n{box.toolTip().splitlines()[-1] if box.toolTip() else ''}".strip())
        self.boxes["second"].setVisible(len(names) > 1)
        self.setVisible(bool(names))


class RatingBar(QWidget):
    """Who rates, two sliders, and the end of it; there only while somebody rates."""

    moved = pyqtSignal(float, float)
    pressed = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.rater = QLineEdit()
        self.rater.setPlaceholderText(strings.REPLAY_RATER_HINT)
        self.rater.setFont(theme.font(12))
        self.rater.setMaximumWidth(theme.px(150))
        self.valence, self.arousal = _slider(), _slider()
        self.rated = theme.label("", 12, theme.TONES["warn"], bold=True)
        self.save, self.discard = QPushButton(strings.REPLAY_SAVE), QPushButton(strings.REPLAY_DISCARD)
        self.setToolTip(strings.REPLAY_RATE_HINT)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(8))
        row.addWidget(theme.label(strings.REPLAY_RATER, 12, theme.SOFT))
        row.addWidget(self.rater)
        for name, slider in ((strings.VALENCE, self.valence), (strings.AROUSAL, self.arousal)):
            row.addWidget(theme.label(name, 12, theme.SOFT))
            row.addWidget(slider, 1)
            slider.valueChanged.connect(self._tell)
        row.addWidget(self.rated)
        for name, one in (("save_rating", self.save), ("discard_rating", self.discard)):
            one.setFont(theme.font(12))
            one.setFocusPolicy(Qt.NoFocus)
            one.clicked.connect(lambda _on=False, name=name: self.pressed.emit(name))
            row.addWidget(one)
        self.hide()

    def show_replay(self, replay: Replay) -> None:
        """Show the value and how much has been rated."""
        rating = replay.rating
        self.setVisible(rating is not None)
        if rating is None:
            return
        for slider, value in zip((self.valence, self.arousal), rating.value, strict=True):
            slider.blockSignals(True)
            slider.setValue(round(value * _SLIDER_STEPS))
            slider.blockSignals(False)
        self.rated.setText(strings.REPLAY_RATED.format(seconds=rating.rated_s))

    def _tell(self, _value: int) -> None:
        self.moved.emit(self.valence.value() / _SLIDER_STEPS, self.arousal.value() / _SLIDER_STEPS)


class Legend(Canvas):
    """What each line and mark stands for."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Fixed)
        self.entries: tuple[tuple[str, str, Qt.PenStyle], ...] = ()

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a row for each entry."""
        return QSize(theme.px(200), theme.px(16) * max(len(self.entries), 1))

    def show_replay(self, replay: Replay) -> None:
        """Name what is drawn."""
        styles = ((theme.ACCENT, Qt.SolidLine), (theme.POOLED, Qt.DashLine))
        entries = [(one.name, *style) for one, style in zip(replay.shown, styles, strict=True) if one is not None]
        if replay.truth is not None:
            entries.append((replay.truth.name, theme.TRUTH, Qt.SolidLine))
        raters = dict.fromkeys(one.rater for one in replay.ratings)
        if raters:
            entries.append((strings.REPLAY_LEGEND_RATED.format(rater=", ".join(raters)), "good", Qt.DotLine))
        self.entries = tuple(entries)
        self.setFixedHeight(self.sizeHint().height())
        self.setToolTip("\n".join(one[0] for one in entries))
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw it."""
        painter.setFont(theme.font(11))
        for place, (name, role, style) in enumerate(self.entries):
            row = QRectF(0, place * theme.px(16), self.width(), theme.px(16))
            painter.setPen(QPen(theme.colour(role), 2.2 * theme.scale(), style))
            middle = row.center().y()
            painter.drawLine(QPointF(theme.px(2), middle), QPointF(theme.px(26), middle))
            painter.setPen(theme.colour(theme.SOFT))
            words = row.adjusted(theme.px(34), 0, 0, 0)
            text = painter.fontMetrics().elidedText(name, Qt.ElideMiddle, int(words.width()))
            painter.drawText(words, int(Qt.AlignVCenter | Qt.AlignLeft), text)


def _slider() -> QSlider:
    made = QSlider(Qt.Horizontal)
    made.setRange(-_SLIDER_STEPS, _SLIDER_STEPS)
    made.setFocusPolicy(Qt.NoFocus)
    made.setMinimumWidth(theme.px(80))
    return made


def _place(names: tuple[str, ...], name: str) -> int:
    return names.index(name) if name in names else -1


def _band_name(passband: tuple[float, float] | None) -> str:
    if passband is None:
        return strings.REPLAY_RAW
    return strings.REPLAY_BAND.format(low=passband[0], high=passband[1])
