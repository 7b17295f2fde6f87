"""The camera: the frame of the last look and the face followed in it, or else the newest frame.

Where every frame is read, the newest frame with the face that was followed last.
"""

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QImage, QPainter, QPainterPath, QPen
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import FaceBox, FaceReading, Image, Look, SourceStatus
from ...screens import wording
from .. import theme
from ..painting import Canvas, qimage
from ..view import View

FRESH_LOOK_S = 2.5
FRESH_READING_S = 1.5


class FaceView(Canvas):
    """The frame of the last look with the box found in that very frame, and a line on whose face it is.

    Where no look is fresh: the newest frame, without a box.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self._frame: Image | None = None
        self._image: QImage | None = None
        self._box: FaceBox | None = None
        self._live = False
        self.caption = ""

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a small 4:3 image."""
        return QSize(240, 180)

    def show_view(self, view: View) -> None:
        """Set frame and box; repaint only on a change."""
        self._live = _live(view)
        look = view.history.looks[-1] if view.history.looks and self._live else None
        look = look if look is not None and _fresh(look, view) else None
        looked_at = _frame_of(look, view)
        frame = view.frame if looked_at is None else looked_at
        box = look.face if look is not None and looked_at is not None else None
        caption = _caption(view, look)
        reading = _reading(view) if self._live else None
        if reading is not None:
            frame, box, caption = view.frame, reading.face, _read_caption(reading)
        if frame is self._frame and box is self._box and caption == self.caption:
            return
        if frame is not self._frame:
            self._frame = frame
            self._image = None if frame is None else qimage(frame)
        self._box, self.caption = box, caption
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the frame as large as fits, the box, the caption."""
        place = QRectF(self.rect())
        if self._image is not None:
            place = _fitted(self._image, place)
            clip = QPainterPath()
            clip.addRoundedRect(place, 6, 6)
            painter.setClipPath(clip)
            painter.drawImage(place, self._image)
            if self._box is not None:
                _draw_box(painter, self._box, place, place.width() / self._image.width())
            if not self._live:
                painter.fillRect(place, theme.colour(theme.BACKGROUND, 0.65))
        else:
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.colour(theme.RAISED))
            painter.drawRoundedRect(place, 6, 6)
        self._draw_caption(painter, place)

    def _draw_caption(self, painter: QPainter, place: QRectF) -> None:
        if not self.caption:
            return
        painter.setFont(theme.font(11))
        bar = QRectF(place.x(), place.bottom() - 20, place.width(), 20)
        if self._image is not None:
            painter.fillRect(bar, theme.colour(theme.BACKGROUND, 0.65))
        painter.setPen(theme.colour(theme.TEXT if self._image is not None else theme.SOFT))
        painter.drawText(bar if self._image is not None else place, Qt.AlignCenter, self.caption)


def _draw_box(painter: QPainter, box: FaceBox, place: QRectF, zoom: float) -> None:
    painter.setPen(QPen(theme.colour(theme.ACCENT), 2))
    painter.setBrush(Qt.NoBrush)
    frame = QRectF(box.x * zoom, box.y * zoom, box.width * zoom, box.height * zoom)
    painter.drawRoundedRect(frame.translated(place.topLeft()), 4, 4)


def _fitted(image: QImage, room: QRectF) -> QRectF:
    zoom = min(room.width() / image.width(), room.height() / image.height())
    place = QRectF(0, 0, image.width() * zoom, image.height() * zoom)
    place.moveCenter(room.center())
    return place


def _frame_of(look: Look | None, view: View) -> Image | None:
    """Return the very frame that a look saw; None where it is not at hand."""
    if look is None or look.frame_stamp_s is None:
        return None
    return next((one.image for one in view.glimpses if one.stamp_s == look.frame_stamp_s), None)


def _reading(view: View) -> FaceReading | None:
    """Return the newest reading of a face; None in a session that reads none, or where it is old."""
    estimate = None if view.snapshot is None else view.snapshot.estimate
    if view.snapshot is None or estimate is None or not estimate.face_readings:
        return None
    newest = estimate.face_readings[-1]
    return newest if view.snapshot.now_s - newest.time_s < FRESH_READING_S else None


def _read_caption(reading: FaceReading) -> str:
    if reading.doubts:
        return f"face not read: {', '.join(reading.doubts)}"
    return "the face that is read" if reading.face_state == "tracked" else wording.face(reading).text


def _fresh(look: Look, view: View) -> bool:
    return view.snapshot is not None and view.snapshot.now_s - look.time_s < FRESH_LOOK_S


def _live(view: View) -> bool:
    status = _status(view)
    return status is not None and wording.health(status).tone in ("good", "warn")


def _status(view: View) -> SourceStatus | None:
    return next((s for s in view.snapshot.sources if s.modality == "face"), None) if view.snapshot else None


def _caption(view: View, look: Look | None) -> str:
    status = _status(view)
    if status is None:
        return "no camera yet"
    status_text = wording.health(status)
    if status_text.tone in ("bad", "idle"):
        return f"camera {status_text.text}"
    if not view.history.looks:
        return "not looked yet"
    if look is not None:
        return wording.face(look).text
    ago_s = 0.0 if view.snapshot is None else view.snapshot.now_s - view.history.looks[-1].time_s
    return f"live picture · last look {ago_s:.0f} s ago"
