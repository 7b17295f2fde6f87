"""The camera, live, with the face that was followed last and the way that it went.

The frames that were looked at, each with the box found in that very frame, are in the panel of looks.
"""

from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QImage, QPainter, QPainterPath, QPen
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import FaceBox, FaceReading, Image, Look, SourceStatus
from ...screens import wording
from .. import strings, theme
from ..live.view import View
from ..painting import Canvas, qimage

FRESH_LOOK_S = 2.5
_TRACK_S = 10.0
FRESH_READING_S = 1.5


class FaceView(Canvas):
    """The newest frame; the box of the last look is dashed as soon as it is older than the frame, and says how old.

    Where every frame is read, the box is of the frame that was read last.
    """

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self._frame: Image | None = None
        self._image: QImage | None = None
        self._box: FaceBox | None = None
        self._track: tuple[tuple[float, float], ...] = ()
        self._live = False
        self.caption = ""
        self.frames = 0
        """Different frames painted so far."""
        self._painted: Image | None = None

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a small 4:3 image."""
        return QSize(theme.px(240), theme.px(180))

    def show_view(self, view: View) -> None:
        """Set frame and box; repaint only on a change."""
        live = _live(view)
        look = view.history.looks[-1] if view.history.looks and live else None
        look = look if look is not None and _fresh(look, view) else None
        box, caption = (None if look is None else look.face), _caption(view, look)
        reading = _reading(view) if live else None
        if reading is not None:
            box, caption = reading.face, _read_caption(reading)
        if view.choices.blind:
            box = None
        if caption == self.caption and view.frame is self._frame and box is self._box and live == self._live:
            return
        if view.frame is not self._frame:
            self._frame = view.frame
            self._image = None if view.frame is None else qimage(view.frame)
        self._box, self.caption, self._live = box, caption, live
        self._track = _track(view) if box is not None else ()
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the frame as large as fits, the box, the caption."""
        if self._frame is not self._painted:
            self._painted = self._frame
            self.frames += 1
        place = QRectF(self.rect())
        if self._image is not None:
            place = _fitted(self._image, place)
            clip = QPainterPath()
            clip.addRoundedRect(place, theme.px(5), theme.px(5))
            painter.setClipPath(clip)
            painter.drawImage(place, self._image)
            if self._box is not None:
                _draw_box(painter, self._box, self._track, place, place.width() / self._image.width())
            if not self._live:
                painter.fillRect(place, theme.colour(theme.BACKGROUND, 0.65))
        else:
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.colour(theme.RAISED))
            painter.drawRoundedRect(place, theme.px(5), theme.px(5))
        self._draw_caption(painter, place)

    def _draw_caption(self, painter: QPainter, place: QRectF) -> None:
        if not self.caption:
            return
        painter.setFont(theme.font(11))
        height = theme.px(18)
        bar = QRectF(place.x(), place.bottom() - height, place.width(), height)
        if self._image is not None:
            painter.fillRect(bar, theme.colour(theme.BACKGROUND, 0.75))
        painter.setPen(theme.colour(theme.TEXT if self._image is not None else theme.SOFT))
        room = bar if self._image is not None else place
        words = painter.fontMetrics().elidedText(self.caption, Qt.ElideRight, int(room.width()) - 4)
        painter.drawText(room, Qt.AlignCenter, words)


def _draw_box(
    painter: QPainter, box: FaceBox, track: tuple[tuple[float, float], ...], place: QRectF, zoom: float
) -> None:
    painter.setPen(QPen(theme.colour(theme.ACCENT), 2 * theme.scale(), Qt.DashLine))
    painter.setBrush(Qt.NoBrush)
    frame = QRectF(box.x * zoom, box.y * zoom, box.width * zoom, box.height * zoom)
    painter.drawRoundedRect(frame.translated(place.topLeft()), theme.px(4), theme.px(4))
    painter.setPen(Qt.NoPen)
    painter.setBrush(theme.colour(theme.ACCENT))
    for x, y in track:
        painter.drawEllipse(place.topLeft() + QPointF(zoom * x, zoom * y), 1.8 * theme.scale(), 1.8 * theme.scale())


def _track(view: View) -> tuple[tuple[float, float], ...]:
    """Return the centres of the faces of the last looks."""
    newest_s = view.history.looks[-1].time_s if view.history.looks else 0.0
    faces = (look.face for look in view.history.looks if newest_s - look.time_s <= _TRACK_S)
    return tuple((face.x + face.width / 2, face.y + face.height / 2) for face in faces if face is not None)


def _fitted(image: QImage, room: QRectF) -> QRectF:
    zoom = min(room.width() / image.width(), room.height() / image.height())
    place = QRectF(0, 0, image.width() * zoom, image.height() * zoom)
    place.moveCenter(room.center())
    return place


def _reading(view: View) -> FaceReading | None:
    """Return the newest reading of a face; None in a session that reads none, or where it is old."""
    estimate = None if view.snapshot is None else view.snapshot.estimate
    if view.snapshot is None or estimate is None or not estimate.face_readings:
        return None
    newest = estimate.face_readings[-1]
    return newest if view.snapshot.now_s - newest.time_s < FRESH_READING_S else None


def _read_caption(reading: FaceReading) -> str:
    if reading.doubts:
        return strings.NOT_READ.format(doubts=", ".join(reading.doubts))
    return strings.READ_FACE if reading.face_state == "tracked" else wording.face(reading).text


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
        return strings.NO_CAMERA
    status_text = wording.health(status)
    if status_text.tone in ("bad", "idle"):
        return strings.CAMERA_IS.format(state=status_text.text)
    if view.frozen is not None and view.frame is None:
        return strings.NOT_HELD
    if view.choices.blind:
        return ""
    if not view.history.looks:
        # A screen that has just been opened knows of no look before.
        return "" if view.snapshot is not None and view.snapshot.glimpsed_fraction else strings.NOT_LOOKED
    now_s = 0.0 if view.snapshot is None else view.snapshot.now_s
    if look is None:
        return strings.LAST_LOOK_LONG_AGO.format(ago=now_s - view.history.looks[-1].time_s)
    said = wording.face(look)
    alone = look.faces <= 1 and (look.person or 1) == 1
    return (
        strings.LAST_LOOK_AGO.format(ago=max(now_s - look.time_s, 0.0)) if said.tone == "good" and alone else said.text
    )
