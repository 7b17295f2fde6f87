"""Paint what the participant sees: one neutral look, whatever the palette of the experimenter's window is."""

from dataclasses import dataclass

from PyQt5.QtCore import QPointF, QRectF, Qt
from PyQt5.QtGui import QColor, QFont, QFontMetricsF, QImage, QPainter, QPen

from ...lab.protocol.job import Corner
from ...lab.protocol.plan import Screen
from ...lab.protocol.presenter import Phase
from ...lab.protocol.rating_sheet import RatingSheet
from .. import theme
from . import texts
from .manikins import DRAWN, STEPS, draw_manikin

BACKGROUND, TEXT, SOFT, BOX, CHOSEN = "#26292e", "#eceff3", "#aab2bc", "#3a4048", "#e0b341"
_PHASES = {"ready": texts.PLEASE_WAIT, "paused": texts.PAUSED, "finished": texts.FINISHED, "aborted": texts.ABORTED}


@dataclass(frozen=True)
class Patch:
    """The photodiode's patch: its corner, and its side in heights of the screen."""

    corner: Corner = "none"
    size: float = 0.08

    def place(self, room: QRectF) -> QRectF:
        """Return where it is; empty where there is none."""
        if self.corner == "none":
            return QRectF()
        side = room.height() * self.size
        x = room.left() if self.corner.endswith("left") else room.right() - side
        y = room.top() if self.corner.startswith("upper") else room.bottom() - side
        return QRectF(x, y, side, side)


def draw_scene(
    painter: QPainter,
    room: QRectF,
    phase: Phase,
    screen: Screen | None,
    *,
    image: QImage | None = None,
    sheet: RatingSheet | None = None,
    wait_s: float = 0.0,
) -> None:
    """Paint a screen; ``wait_s`` is how long the participant cannot go on yet."""
    painter.fillRect(room, QColor(BACKGROUND))
    if screen is None:
        _words(painter, room, _PHASES.get(phase, ""))
        return
    match screen.kind:
        case "text" | "pause":
            _words(painter, room, screen.words)
            if screen.kind == "pause" or screen.seconds is None:
                hint = texts.GO_ON_SOON.format(seconds=wait_s) if wait_s >= 0.5 else texts.GO_ON
                _line(painter, _strip(room, 0.88, 0.07), hint, 0.026, SOFT)
        case "rest" if screen.eyes == "closed":
            _words(painter, room, texts.EYES_CLOSED)
        case "rest" | "fixation":
            _cross(painter, room)
        case "stimulus" if image is not None:
            _picture(painter, room, image)
        case "stimulus":
            _cross(painter, room)
        case "rating" if sheet is not None:
            draw_rating(painter, room, sheet)


def draw_rating(painter: QPainter, room: QRectF, sheet: RatingSheet) -> None:
    """Paint the question that is asked now."""
    asked = sheet.question
    _line(painter, _strip(room, 0.08, 0.1), texts.QUESTIONS.get(asked.name, asked.name), 0.045, TEXT)
    count = texts.COUNT.format(place=sheet.place + 1, count=len(sheet.questions))
    _line(painter, _strip(room, 0.18, 0.05), count, 0.024, SOFT)
    for number, box in enumerate(option_boxes(room, sheet)):
        _option(painter, box, sheet, number)
    if (ends := texts.ENDS.get(asked.name)) is not None:
        boxes = option_boxes(room, sheet)
        under = QRectF(boxes[0].left(), boxes[0].bottom() + room.height() * 0.015, 0.0, room.height() * 0.05)
        under.setRight(boxes[-1].right())
        _line(painter, under, ends[0], 0.028, SOFT, int(Qt.AlignLeft | Qt.AlignVCenter))
        _line(painter, under, ends[1], 0.028, SOFT, int(Qt.AlignRight | Qt.AlignVCenter))
    button = go_on_box(room)
    chosen = sheet.chosen is not None
    painter.setPen(QPen(QColor(SOFT if chosen else BOX), 1.5))
    painter.setBrush(QColor(BOX if chosen else BACKGROUND))
    painter.drawRoundedRect(button, 8, 8)
    painter.setPen(QColor(TEXT if chosen else "#6b747f"))
    _fitted(painter, button.adjusted(8, 4, -8, -4), texts.GO_ON_BUTTON, button.height() * 0.45)
    hint = texts.WORD_HINT if asked.words else texts.RATE_HINT
    _line(painter, _strip(room, 0.9, 0.06), hint, 0.024, SOFT)


def go_on_box(room: QRectF) -> QRectF:
    """Return where the button is that takes an answer."""
    box = QRectF(0, 0, room.width() * 0.16, room.height() * 0.07)
    box.moveCenter(QPointF(room.center().x(), room.top() + room.height() * 0.85))
    return box


def option_boxes(room: QRectF, sheet: RatingSheet) -> list[QRectF]:
    """Return where each answer is, to be painted and clicked."""
    count = len(sheet.options)
    inner = room.adjusted(room.width() * 0.05, room.height() * 0.26, -room.width() * 0.05, -room.height() * 0.27)
    if not sheet.question.words:
        width = inner.width() / count
        tall = inner if sheet.question.name in DRAWN else _strip(inner, 0.35, 0.3)
        return [QRectF(inner.left() + n * width, tall.top(), width, tall.height()).adjusted(4, 0, -4, 0)
                for n in range(count)]  # fmt: skip
    columns = 1 if count < 3 else 2 if count <= 4 else 3 if count <= 9 else 4 if count <= 16 else 5
    rows = -(-count // columns)
    height = min(inner.height() / rows, room.height() * 0.14)
    top = inner.center().y() - rows * height / 2
    width = min(inner.width() / columns, room.width() * 0.3)
    left = inner.center().x() - columns * width / 2
    return [
        QRectF(left + (n % columns) * width, top + (n // columns) * height, width, height).adjusted(6, 6, -6, -6)
        for n in range(count)
    ]


def _option(painter: QPainter, box: QRectF, sheet: RatingSheet, number: int) -> None:
    chosen = number == sheet.chosen
    words = bool(sheet.question.words)
    field = box
    if not words and sheet.question.name in DRAWN:
        field = QRectF(box.left(), box.bottom() - box.height() * 0.2, box.width(), box.height() * 0.2)
        if number % 2 == 0:
            # The figures stand at every second answer, and may reach over those between.
            wide = QRectF(box.left() - box.width() * 0.42, box.top(), box.width() * 1.84, box.height() * 0.74)
            draw_manikin(painter, wide, sheet.question.name, number // 2 * (STEPS - 1) // 4)
    painter.setPen(QPen(QColor(CHOSEN if chosen else "#596370"), 3 if chosen else 1.5))
    painter.setBrush(QColor(CHOSEN if chosen else BOX))
    painter.drawRoundedRect(field, 8, 8)
    painter.setPen(QColor("#1b1d20" if chosen else TEXT))
    _fitted(painter, field.adjusted(8, 4, -8, -4), str(sheet.options[number]), field.height() * 0.5)


def _words(painter: QPainter, room: QRectF, text: str) -> None:
    """Paint a text in the middle, as large as it fits."""
    painter.setPen(QColor(TEXT))
    _fitted(painter, _strip(room, 0.12, 0.72), text, room.height() * 0.05)


def _fitted(painter: QPainter, box: QRectF, text: str, largest: float) -> None:
    flags = int(Qt.AlignCenter | Qt.TextWordWrap)
    size = max(largest, 8.0)
    while size > 8.0:
        needed = QFontMetricsF(_font(size)).boundingRect(box, flags, text)
        if needed.height() <= box.height() and needed.width() <= box.width():
            break
        size *= 0.94
    painter.setFont(_font(size))
    painter.drawText(box, flags, text)


def _line(painter: QPainter, box: QRectF, text: str, share: float, tint: str, flags: int = int(Qt.AlignCenter)) -> None:
    """Paint a line in letters of a share of the window's height, smaller where its room is less."""
    size = box.height() * 0.8 if share <= 0 else share * painter.viewport().height()
    while size > 8.0 and QFontMetricsF(_font(size)).horizontalAdvance(text) > box.width():
        size *= 0.95
    painter.setFont(_font(size))
    painter.setPen(QColor(tint))
    painter.drawText(box, flags, text)


def _cross(painter: QPainter, room: QRectF) -> None:
    arm, centre = room.height() * 0.025, room.center()
    painter.setPen(QPen(QColor(TEXT), max(2.0, room.height() * 0.005)))
    painter.drawLine(centre - QPointF(arm, 0), centre + QPointF(arm, 0))
    painter.drawLine(centre - QPointF(0, arm), centre + QPointF(0, arm))


def _picture(painter: QPainter, room: QRectF, image: QImage) -> None:
    """Paint a picture as large as it fits, in its own shape."""
    share = min(room.width() / image.width(), room.height() / image.height())
    place = QRectF(0, 0, image.width() * share, image.height() * share)
    place.moveCenter(room.center())
    painter.drawImage(place, image)


def _strip(room: QRectF, top: float, height: float) -> QRectF:
    """Return a part of the room's height, with a margin at both sides."""
    margin = room.width() * 0.06
    return QRectF(
        room.left() + margin, room.top() + top * room.height(), room.width() - 2 * margin, height * room.height()
    )


def _font(pixels: float) -> QFont:
    made = QFont(theme.FAMILIES[-1])
    made.setFamilies(list(theme.FAMILIES))
    made.setPixelSize(max(round(pixels), 8))
    return made
