"""The film, with the face that was found, and the plane on which estimates stand and ratings are made."""

from dataclasses import dataclass

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QImage, QMouseEvent, QPainter, QPen
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import FaceBox, Image
from .. import strings, theme
from ..painting import Canvas, qimage

Point = tuple[float, float]


class FilmView(Canvas):
    """One frame as large as fits, with the box of the face; without a frame, why there is none."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.box: FaceBox | None = None
        self.why = ""
        self._image: QImage | None = None

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size."""
        return QSize(theme.px(280), theme.px(210))

    def show_frame(self, image: Image | None, why: str = "") -> None:
        """Show a frame, or the reason why there is none."""
        self._image = None if image is None else qimage(image)
        self.why = why
        self.update()

    def show_box(self, box: FaceBox | None) -> None:
        """Show where the face is, in pixels of the frame."""
        if box is not self.box:
            self.box = box
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw it."""
        room = QRectF(self.rect())
        if self._image is None:
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.colour(theme.RAISED))
            painter.drawRoundedRect(room, theme.px(5), theme.px(5))
            painter.setPen(theme.colour(theme.SOFT))
            painter.setFont(theme.font(12))
            painter.drawText(room.adjusted(8, 8, -8, -8), int(Qt.AlignCenter | Qt.TextWordWrap), self.why)
            return
        zoom = min(room.width() / self._image.width(), room.height() / self._image.height())
        place = QRectF(0, 0, self._image.width() * zoom, self._image.height() * zoom)
        place.moveCenter(room.center())
        painter.drawImage(place, self._image)
        if self.box is not None:
            painter.setPen(QPen(theme.colour(theme.ACCENT), 2 * theme.scale()))
            box = QRectF(self.box.x * zoom, self.box.y * zoom, self.box.width * zoom, self.box.height * zoom)
            painter.drawRoundedRect(box.translated(place.topLeft()), theme.px(4), theme.px(4))


@dataclass(frozen=True)
class Marks:
    """What the plane shows; None where there is none at the moment.

    Attributes
    ----------
    decoded : up to two of ((valence, arousal), (their standard deviations)) or None
    truth : (valence, arousal) or None
    rating : (valence, arousal) or None
        While somebody rates.
    """

    decoded: tuple[tuple[Point, Point] | None, ...] = ()
    truth: Point | None = None
    rating: Point | None = None


class AffectPlane(Canvas):
    """Valence to the right, arousal upwards; while somebody rates, the mouse sets the value."""

    moved = pyqtSignal(float, float)

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setMinimumSize(theme.px(150), theme.px(130))
        self.marks = Marks()
        self.rating = False

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a square."""
        return QSize(theme.px(220), theme.px(220))

    def show_marks(self, marks: Marks) -> None:
        """Show where everything is now."""
        if marks != self.marks:
            self.marks = marks
            self.update()

    def set_rating(self, on: bool) -> None:
        """Let the mouse set a value, or not."""
        self.rating = on
        self.setCursor(Qt.CrossCursor if on else Qt.ArrowCursor)
        self.update()

    @property
    def square(self) -> QRectF:
        """Where the plane is drawn."""
        margin = theme.px(16)
        side = max(min(self.width(), self.height()) - 2 * margin, 1)
        square = QRectF(0, 0, side, side)
        square.moveCenter(QRectF(self.rect()).center())
        return square

    def point(self, valence: float, arousal: float) -> QPointF:
        """Return where a value is drawn."""
        square = self.square
        return QPointF(
            square.x() + (valence + 1) / 2 * square.width(), square.bottom() - (arousal + 1) / 2 * square.height()
        )

    def mousePressEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Set the value."""
        self._follow(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:  # noqa: N802
        """Set the value while the button is down."""
        self._follow(event)

    def _follow(self, event: QMouseEvent | None) -> None:
        if event is None or not self.rating:
            return
        square = self.square
        valence = (event.localPos().x() - square.x()) / square.width() * 2 - 1
        arousal = (square.bottom() - event.localPos().y()) / square.height() * 2 - 1
        self.moved.emit(min(max(valence, -1.0), 1.0), min(max(arousal, -1.0), 1.0))

    def draw(self, painter: QPainter) -> None:
        """Draw the plane and its marks."""
        square = self.square
        painter.setPen(QPen(theme.colour("warn" if self.rating else theme.LINE), 1.5))
        painter.setBrush(theme.colour(theme.RAISED))
        painter.drawRect(square)
        painter.setPen(QPen(theme.colour(theme.LINE), 1))
        painter.drawLine(self.point(-1, 0), self.point(1, 0))
        painter.drawLine(self.point(0, -1), self.point(0, 1))
        self._draw_names(painter, square)
        for one, role, style in zip(
            self.marks.decoded, (theme.ACCENT, theme.POOLED), (Qt.SolidLine, Qt.DashLine), strict=False
        ):
            if one is not None:
                self._draw_decoded(painter, one, role, style)
        size = 6 * theme.scale()
        if self.marks.truth is not None:
            at = self.point(*self.marks.truth)
            painter.setPen(QPen(theme.colour(theme.TRUTH), 1.8 * theme.scale()))
            painter.setBrush(Qt.NoBrush)
            painter.drawPolygon(*(at + QPointF(x * size, y * size) for x, y in ((0, -1), (1, 0), (0, 1), (-1, 0))))
        if self.marks.rating is not None:
            painter.setPen(QPen(theme.colour("warn"), 2.4 * theme.scale()))
            painter.setBrush(Qt.NoBrush)
            painter.drawEllipse(self.point(*self.marks.rating), 1.4 * size, 1.4 * size)

    def _draw_decoded(self, painter: QPainter, one: tuple[Point, Point], role: str, style: Qt.PenStyle) -> None:
        (x, y), (dx, dy) = one
        painter.setPen(QPen(theme.colour(role), 1.6 * theme.scale(), style))
        painter.drawLine(self.point(max(x - dx, -1), y), self.point(min(x + dx, 1), y))
        painter.drawLine(self.point(x, max(y - dy, -1)), self.point(x, min(y + dy, 1)))
        painter.setPen(QPen(theme.colour(role), 1.8 * theme.scale()))
        painter.setBrush(theme.colour(role if style == Qt.SolidLine else theme.BACKGROUND))
        painter.drawEllipse(self.point(x, y), 4.5 * theme.scale(), 4.5 * theme.scale())

    def _draw_names(self, painter: QPainter, square: QRectF) -> None:
        painter.setFont(theme.font(10))
        painter.setPen(theme.colour(theme.SOFT))
        line = theme.px(15)
        below = QRectF(square.x(), square.bottom() + 1, square.width(), line)
        for flag, text in (
            (Qt.AlignLeft, strings.LOW), (Qt.AlignHCenter, strings.VALENCE), (Qt.AlignRight, strings.HIGH),
        ):  # fmt: skip
            painter.drawText(below, int(flag | Qt.AlignVCenter), text)
        painter.save()
        painter.translate(square.x() - line - 1, square.bottom())
        painter.rotate(-90)
        beside = QRectF(0, 0, square.height(), line)
        for flag, text in (
            (Qt.AlignLeft, strings.LOW), (Qt.AlignHCenter, strings.AROUSAL), (Qt.AlignRight, strings.HIGH),
        ):  # fmt: skip
            painter.drawText(beside, int(flag | Qt.AlignVCenter), text)
        painter.restore()
