"""Theta, alpha and beta over the head, each with the weight that the model gives it now."""

import numpy as np
from PyQt5.QtCore import QPointF, QRectF, QSize, Qt
from PyQt5.QtGui import QImage, QPainter, QPainterPath, QPen
from PyQt5.QtWidgets import QSizePolicy

from ....models.contract import BANDS, BoolArray, FloatArray
from .. import strings, theme
from ..live.view import ScalpImages, View
from ..painting import Canvas

RANGE_DB = 4.0
_WORDS = 16


class ScalpPanel(Canvas):
    """Three heads side by side, nose up: power relative to the mean of the head, from blue (less) to amber (more)."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Ignored)
        self.setMinimumSize(theme.px(180), theme.px(70))
        self._scalp: ScalpImages | None = None
        self._images: tuple[QImage, ...] = ()
        self._weights: tuple[float, ...] | None = None

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: three heads."""
        return QSize(theme.px(300), theme.px(110))

    @property
    def words(self) -> tuple[str, ...]:
        """What stands below the heads."""
        shares = self._weights or (None,) * len(BANDS)
        return tuple(
            band if share is None else strings.BAND_SHARE.format(band=band, share=share)
            for band, share in zip(BANDS, shares, strict=True)
        )

    def show_view(self, view: View) -> None:
        """Set the newest maps and weights; repaint only on a change."""
        attention = None if view.snapshot is None else view.snapshot.band_attention
        weights = None if attention is None or view.choices.blind else tuple(round(one, 2) for one in attention)
        if view.scalp is self._scalp and weights == self._weights:
            return
        if view.scalp is not self._scalp:
            self._scalp = view.scalp
            self._images = () if view.scalp is None else tuple(
                _image(one, view.scalp.mask) for one in view.scalp.decibels
            )  # fmt: skip
        self._weights = weights
        self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the heads and the words."""
        painter.setFont(theme.font(11))
        if self._scalp is None:
            painter.setPen(theme.colour(theme.SOFT))
            painter.drawText(self.rect(), Qt.AlignCenter | Qt.TextWordWrap, strings.SCALP_UNKNOWN)
            return
        line = theme.px(_WORDS)
        width = self.width() / len(BANDS)
        side = max(min(width - theme.px(8), self.height() - line), 1)
        for place, (image, words) in enumerate(zip(self._images, self.words, strict=True)):
            left = place * width + (width - side) / 2
            self._draw_head(painter, QRectF(left, (self.height() - line - side) / 2, side, side), image)
            painter.setPen(theme.colour(theme.TEXT))
            foot = QRectF(place * width, self.height() - line, width, line)
            painter.drawText(foot, Qt.AlignCenter, words)

    def _draw_head(self, painter: QPainter, room: QRectF, image: QImage) -> None:
        head = room.adjusted(0.06 * room.width(), 0.09 * room.width(), -0.06 * room.width(), -0.03 * room.width())
        path = QPainterPath()
        path.addEllipse(head)
        painter.save()
        painter.setClipPath(path)
        painter.drawImage(head, image)
        painter.restore()
        painter.setPen(QPen(theme.colour(theme.SOFT), 1.2 * theme.scale()))
        painter.setBrush(Qt.NoBrush)
        painter.drawEllipse(head)
        nose = QPointF(head.center().x(), head.top())
        step = 0.07 * room.width()
        painter.drawPolyline(nose + QPointF(-step, 1), nose + QPointF(0, -step), nose + QPointF(step, 1))
        if self._scalp is not None:
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.colour(theme.TEXT, 0.7))
            radius = max(0.011 * room.width(), 0.8)
            for x, y in self._scalp.places:
                at = head.center() + QPointF(x * head.width() / 2, -y * head.height() / 2)
                painter.drawEllipse(at, radius, radius)


def _image(decibels: FloatArray, mask: BoolArray) -> QImage:
    """Return a map as an image: the middle is the panel's own raised ground, outside the electrodes transparent."""
    share = np.clip(decibels / RANGE_DB, -1.0, 1.0)[..., None]
    ends = [np.array(theme.colour(role).getRgb()[:3], np.float32) for role in ("low", theme.RAISED, "high")]
    less, middle, more = ends
    colours = np.where(share < 0, middle + (less - middle) * -share, middle + (more - middle) * share)
    pixels = np.empty((*mask.shape, 4), np.uint8)
    pixels[..., :3] = colours
    pixels[..., 3] = np.where(mask, 255, 0)
    height, width = mask.shape
    return QImage(np.ascontiguousarray(pixels).data, width, height, 4 * width, QImage.Format_RGBA8888).copy()
