"""Theme of the window: a palette for colour-blind people, fonts, spacing."""

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QFont
from PyQt5.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ..screens.wording import Tone

BACKGROUND = "#0d1117"
PANEL = "#151b23"
RAISED = "#1e2630"
LINE = "#2b3542"
TEXT = "#e8ecf1"
SOFT = "#a3afbd"
FAINT = "#667385"
ACCENT = "#56b4e9"
TRUTH = "#ffffff"
POOLED = "#d98bb8"

# Blue, slate, amber: told apart with every common colour blindness, and in greyscale by their brightness.
LEVEL_COLOURS = ("#3f7fc1", "#52617a", "#dd9f36")
TONES: dict[Tone, str] = {"good": "#3fbf9b", "warn": "#f0c34e", "bad": "#f2765a", "idle": "#8592a3"}

FAMILIES = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans")
SPACE = 10
"""Between panels, in pixels; half of it inside them."""

STYLE = f"""
QWidget {{ color: {TEXT}; }}
QWidget#window, QWidget#picture {{ background: {BACKGROUND}; }}
QFrame#panel {{ background: {PANEL}; border: 1px solid {LINE}; border-radius: 8px; }}
QLabel {{ background: transparent; border: none; }}
QToolTip {{ background: {RAISED}; color: {TEXT}; border: 1px solid {LINE}; }}
"""


def font(pixels: int, *, bold: bool = False) -> QFont:
    """Return the window's font at one size."""
    made = QFont(FAMILIES[-1])
    made.setFamilies(list(FAMILIES))
    made.setPixelSize(pixels)
    made.setWeight(QFont.DemiBold if bold else QFont.Normal)
    return made


def colour(name: str, alpha: float = 1.0) -> QColor:
    """Return a colour with an opacity (0..1)."""
    made = QColor(name)
    made.setAlphaF(alpha)
    return made


def label(text: str = "", pixels: int = 12, tint: str = TEXT, *, bold: bool = False) -> QLabel:
    """Return a plain-text label."""
    made = QLabel(text)
    made.setTextFormat(Qt.PlainText)
    made.setFont(font(pixels, bold=bold))
    tinted(made, tint)
    return made


def tinted(made: QLabel, tint: str) -> None:
    """Set the colour of a label if it differs."""
    if made.property("tint") != tint:
        made.setProperty("tint", tint)
        made.setStyleSheet(f"color: {tint};")


def panel(title: str | None = None) -> tuple[QFrame, QVBoxLayout]:
    """Return a framed panel with a heading, and the layout of its content."""
    frame = QFrame()
    frame.setObjectName("panel")
    column = QVBoxLayout(frame)
    column.setContentsMargins(12, 8, 12, 10)
    column.setSpacing(6)
    if title is not None:
        column.addWidget(label(title, 12, SOFT, bold=True))
    return frame, column


class SteadyLabel(QLabel):
    """A label that wraps into a fixed number of lines, so that its text does not move its neighbours."""

    def __init__(self, lines: int, pixels: int, tint: str = TEXT, *, bold: bool = False) -> None:
        super().__init__()
        self.setTextFormat(Qt.PlainText)
        self.setFont(font(pixels, bold=bold))
        tinted(self, tint)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignTop | Qt.AlignLeft)
        self.setFixedHeight(lines * self.fontMetrics().lineSpacing() + 2)
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        """Return False: the height is fixed, unlike that of a QLabel."""
        return False


def elastic(widget: QWidget) -> QWidget:
    """Let a widget's stretch alone determine its size, and return it."""
    widget.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Ignored)
    widget.setMinimumSize(60, 60)
    return widget
