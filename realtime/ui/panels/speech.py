"""The speech panel: spectrogram, loudness, voice activity and expressed emotion."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QImage, QPainter, qRgb
from PyQt5.QtWidgets import QFrame, QSizePolicy, QVBoxLayout

from ....models.contract import FloatArray
from ...screens import wording
from .. import strings, theme
from ..live.view import View
from ..painting import Canvas
from .bars import Bars, beside

FLOOR_DB = -60.0


class Sound(Canvas):
    """Loudness of the last seconds, mirrored about the middle, on a scale of decibels."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self._sound: FloatArray | None = None
        self._voiced = False

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a low strip."""
        return QSize(theme.px(160), theme.px(40))

    def show_sound(self, sound: FloatArray | None, voiced: bool) -> None:
        """Set the newest loudness; repaint only on a change."""
        if sound is not self._sound or voiced != self._voiced:
            self._sound, self._voiced = sound, voiced
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw one bar per stretch of time."""
        middle = self.height() / 2
        painter.setPen(theme.colour(theme.LINE))
        painter.drawLine(0, int(middle), self.width(), int(middle))
        if self._sound is not None:
            step = self.width() / len(self._sound)
            decibels = 20 * np.log10(np.maximum(self._sound, 1e-6))
            heights = np.clip(1 - decibels / FLOOR_DB, 0, 1) * (self.height() - 2)
            painter.setPen(Qt.NoPen)
            painter.setBrush(theme.colour(theme.ACCENT if self._voiced else theme.FAINT))
            painter.drawRects([QRectF(i * step, middle - h / 2, step * 0.7, h) for i, h in enumerate(heights) if h > 0])


class Spectrum(Canvas):
    """The spectrogram of the last seconds, up to 5 kHz."""

    def __init__(self) -> None:
        super().__init__()
        self.setSizePolicy(QSizePolicy.Expanding, QSizePolicy.Expanding)
        self._levels: NDArray[Any] | None = None

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size: a low strip."""
        return QSize(theme.px(160), theme.px(40))

    def show_levels(self, levels: NDArray[Any] | None) -> None:
        """Set the newest levels; repaint only on a change."""
        if levels is not self._levels:
            self._levels = levels
            self.update()

    def draw(self, painter: QPainter) -> None:
        """Draw the levels from the panel's ground to the colour of text."""
        if self._levels is None:
            return
        height, width = self._levels.shape
        image = QImage(self._levels.data, width, height, width, QImage.Format_Indexed8)
        image.setColorTable(_shades())
        painter.drawImage(QRectF(self.rect()), image)


def _shades() -> list[int]:
    """Return 256 shades from the panel's ground over the accent to the colour of text."""
    stops = [np.array(theme.colour(role).getRgb()[:3], float) for role in (theme.PANEL, theme.ACCENT, theme.TEXT)]
    shares = np.linspace(0.0, 2.0, 256)[:, None]
    lower, upper = stops[0] + (stops[1] - stops[0]) * shares, stops[1] + (stops[2] - stops[1]) * (shares - 1.0)
    rows = np.where(shares < 1.0, lower, upper)
    return [qRgb(*map(int, row)) for row in rows]


class SpeechPanel(QFrame):
    """Answer and sound on the left, categories on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.answer = theme.FittingLabel((19.0, 17.0, 15.0, 13.0, 11.0), 1, bold=True)
        self.level = theme.ElidedLabel(11, theme.SOFT)
        self.sound, self.spectrum = Sound(), Spectrum()
        self.bars = Bars((), (theme.ACCENT,), 76)
        left = QVBoxLayout()
        left.setSpacing(2)
        left.addWidget(self.answer)
        left.addWidget(theme.elastic(self.spectrum), 3)
        left.addWidget(theme.elastic(self.sound), 2)
        for part in (self.spectrum, self.sound):
            part.setMinimumSize(theme.px(60), theme.px(16))
        left.addWidget(self.level)
        self.right = beside(self, left, self.bars)

    def show_view(self, view: View) -> None:
        """Show answer, sound and categories."""
        snapshot = view.snapshot
        if snapshot is None:
            return
        blind = view.choices.blind
        self.answer.setVisible(not blind)
        self.right.setVisible(not blind)
        status_text = wording.speech(snapshot)
        self.answer.setText(status_text.text)
        theme.tinted(self.answer, theme.TEXT if status_text.tone == "good" else theme.SOFT)
        output = None if snapshot.estimate is None else snapshot.estimate.answer("speech")
        voiced = output is not None and status_text.tone == "good"
        self.bars.show_names(snapshot.classes("speech"))
        if output is None or output.probabilities is None or not voiced:
            self.bars.show_values(None)
        else:
            best = max(range(len(output.probabilities)), key=output.probabilities.__getitem__)
            self.bars.show_values(output.probabilities, (best,))
        self.sound.show_sound(view.sound, voiced)
        self.spectrum.show_levels(view.spectrum)
        status = next((s for s in snapshot.sources if s.modality == "speech"), None)
        level = None if status is None else status.level
        trouble = "" if status is None else wording.trouble(status)
        voice = strings.VOICE if voiced else strings.NO_VOICE
        told = "" if level is None else strings.SOUND_LEVEL.format(voice=voice, decibels=max(level, -99.0))
        self.level.setText(trouble if level is not None and trouble else told)
        theme.tinted(self.level, theme.TONES["warn"] if trouble else theme.SOFT)
