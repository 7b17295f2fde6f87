"""Previews of camera and microphone: the picture with its true rate, the level of the sound."""

from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QImage, QPainter
from PyQt5.QtWidgets import QProgressBar, QSizePolicy, QVBoxLayout, QWidget

from ...lab.probe import SourceLook
from .. import strings, theme
from ..painting import Canvas

_FLOOR_DB = -60.0
_LOUD_DB = -3.0


class Picture(Canvas):
    """The newest frame, as large as fits."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self.setMinimumSize(theme.px(160), theme.px(110))
        self._packed = b""
        self._image: QImage | None = None

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a small 4:3 image."""
        return QSize(theme.px(240), theme.px(180))

    def show_jpeg(self, packed: bytes) -> None:
        """Set a frame; empty is none."""
        if packed != self._packed:
            self._packed = packed
            image = QImage.fromData(packed, "JPG") if packed else QImage()
            self._image = None if image.isNull() else image
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw it."""
        room = QRectF(self.rect())
        if self._image is None:
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.colour(theme.RAISED))
            painter.drawRoundedRect(room, theme.px(5), theme.px(5))
            return
        zoom = min(room.width() / self._image.width(), room.height() / self._image.height())
        place = QRectF(0, 0, zoom * self._image.width(), zoom * self._image.height())
        place.moveCenter(room.center())
        painter.drawImage(place, self._image)


class Previews(QWidget):
    """Camera above, microphone below."""

    def __init__(self) -> None:
        super().__init__()
        self.picture = Picture()
        self.camera, self.exposure = theme.ElidedLabel(12, theme.SOFT), theme.ElidedLabel(12, theme.TONES["warn"])
        self.level = QProgressBar()
        self.level.setRange(round(_FLOOR_DB), 0)
        self.level.setTextVisible(False)
        self.level.setFixedHeight(theme.px(12))
        self.microphone = theme.ElidedLabel(12, theme.SOFT)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.px(4))
        column.addWidget(self.picture, 1)
        for part in (self.camera, self.exposure, self.level, self.microphone):
            column.addWidget(part)
        self.show_looks({}, camera=False, microphone=False)

    def show_looks(self, looks: dict[str, SourceLook], camera: bool, microphone: bool) -> None:
        """Show what the sources show; the flags say whether there is such a source."""
        face, speech = looks.get("face") if camera else None, looks.get("speech") if microphone else None
        self.picture.show_jpeg(face.picture if face is not None else b"")
        self.camera.setText(_camera_words(face, camera))
        self.exposure.setText(face.exposure if face is not None else "")
        self.microphone.setText(_microphone_words(speech, microphone))
        level = speech.level_db if speech is not None else None
        self.level.setValue(round(_FLOOR_DB if level is None else min(max(level, _FLOOR_DB), 0.0)))
        loud = level is not None and level > _LOUD_DB
        theme.tinted(self.microphone, theme.TONES["warn"] if loud else theme.SOFT)


def _camera_words(look: SourceLook | None, chosen: bool) -> str:
    if not chosen:
        return strings.SETUP_NO_CAMERA
    if look is None:
        return strings.SETUP_LOOKING
    return look.error or strings.SETUP_RATE.format(name=look.name, rate=look.rate_hz or 0.0)


def _microphone_words(look: SourceLook | None, chosen: bool) -> str:
    if not chosen:
        return strings.SETUP_NO_MICROPHONE
    if look is None:
        return strings.SETUP_LOOKING
    if look.error or look.level_db is None:
        return look.error
    return strings.SETUP_LEVEL.format(name=look.name, level=look.level_db)
