"""The speech panel: loudness, voice activity and expressed emotion."""

import numpy as np
from PyQt5.QtCore import QRectF, QSize, Qt
from PyQt5.QtGui import QPainter
from PyQt5.QtWidgets import QFrame, QSizePolicy, QVBoxLayout

from ....models.contract import FloatArray
from ...screens import wording
from .. import theme
from ..painting import Canvas
from ..view import View
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
        return QSize(200, 44)

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


class SpeechPanel(QFrame):
    """Answer and sound on the left, categories on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.answer = theme.SteadyLabel(1, 19, bold=True)
        self.level = theme.label("", 11, theme.SOFT)
        self.sound = Sound()
        self.bars = Bars((), (theme.ACCENT,), 82)
        left = QVBoxLayout()
        left.setSpacing(3)
        left.addWidget(theme.label("Expressed in the voice", 12, theme.SOFT, bold=True))
        left.addWidget(self.answer)
        left.addWidget(self.sound, 1)
        left.addWidget(self.level)
        beside(self, left, self.bars)

    def show_view(self, view: View) -> None:
        """Show answer, sound and categories."""
        snapshot = view.snapshot
        if snapshot is None:
            return
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
        status = next((s for s in snapshot.sources if s.modality == "speech"), None)
        level = None if status is None else status.level
        voice = "voice heard" if voiced else "no voice"
        trouble = "" if status is None else wording.trouble(status)
        text = "" if level is None else trouble or f"{voice} · {max(level, -99.0):.0f} dB of full scale"
        self.level.setText(text)
        theme.tinted(self.level, theme.TONES["warn"] if trouble else theme.SOFT)
