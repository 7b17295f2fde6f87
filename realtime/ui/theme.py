"""Look of the window: two palettes for colour-blind people, fonts and lengths that follow the window's size.

Colours are named by their role; the palette of the moment and the scale belong to the application, and are read when
something is drawn.
"""

from collections.abc import Sequence
from typing import Literal

from PyQt5.QtCore import QCoreApplication, QSize, Qt
from PyQt5.QtGui import QColor, QFont, QPalette, QResizeEvent
from PyQt5.QtWidgets import QFrame, QLabel, QSizePolicy, QVBoxLayout, QWidget

from ..screens.wording import Tone

ThemeName = Literal["dark", "light"]

BACKGROUND, PANEL, RAISED, LINE = "background", "panel", "raised", "line"
TEXT, SOFT, FAINT = "text", "soft", "faint"
ACCENT, TRUTH, POOLED, TRACE = "accent", "truth", "pooled", "trace"
LEVEL_COLOURS = ("low", "medium", "high")
"""Blue, slate, amber: told apart with every common colour blindness, and in greyscale by their brightness."""
TONES: dict[Tone, str] = {"good": "good", "warn": "warn", "bad": "bad", "idle": "idle"}

DARK: dict[str, str] = {
    BACKGROUND: "#0d1117",
    PANEL: "#151b23",
    RAISED: "#1e2630",
    LINE: "#2b3542",
    TEXT: "#e8ecf1",
    SOFT: "#a9b4c1",
    FAINT: "#8594a7",
    ACCENT: "#56b4e9",
    TRUTH: "#ffffff",
    POOLED: "#d98bb8",
    TRACE: "#8fc3e6",
    "low": "#4f93d8",
    "medium": "#5c6c87",
    "high": "#dd9f36",
    "good": "#3fbf9b",
    "warn": "#f0c34e",
    "bad": "#f2765a",
    "idle": "#8594a7",
}
LIGHT: dict[str, str] = {
    BACKGROUND: "#eef1f5",
    PANEL: "#ffffff",
    RAISED: "#e6ebf1",
    LINE: "#c2cbd6",
    TEXT: "#14181f",
    SOFT: "#414c58",
    FAINT: "#56616e",
    ACCENT: "#0a679c",
    TRUTH: "#000000",
    POOLED: "#9c3f75",
    TRACE: "#1d5f8a",
    "low": "#123c69",
    "medium": "#8290a3",
    "high": "#a06410",
    "good": "#0a6e4f",
    "warn": "#7d5600",
    "bad": "#a92f16",
    "idle": "#56616e",
}
PALETTES: dict[ThemeName, dict[str, str]] = {"dark": DARK, "light": LIGHT}

FAMILIES = ("Inter", "Segoe UI", "SF Pro Text", "Noto Sans", "DejaVu Sans")
SPACE = 8
"""Between panels, in pixels; half of it inside them."""

_NAME, _SCALE = "moodring_theme", "moodring_scale"
_DESIGNED_FOR = (1366, 768)
_SCALES = (0.88, 1.0, 1.15, 1.35, 1.6, 2.0, 2.5, 3.0)


def use(name: ThemeName, scale: float = 1.0) -> None:
    """Choose the palette and the scale of the application; what is there already keeps its own until it is rebuilt."""
    application = QCoreApplication.instance()
    if application is not None:
        application.setProperty(_NAME, name)
        application.setProperty(_SCALE, scale)


def name() -> ThemeName:
    """Return the name of the palette in use."""
    application = QCoreApplication.instance()
    return "light" if application is not None and application.property(_NAME) == "light" else "dark"


def scale() -> float:
    """Return the factor of fonts and lengths; 1 in a window of 1366x768."""
    application = QCoreApplication.instance()
    return float((application.property(_SCALE) if application is not None else None) or 1.0)


def scale_for(width: int, height: int) -> float:
    """Return the scale that fits a window of this size: the largest that leaves everything its room."""
    return scale_in(width / _DESIGNED_FOR[0], height / _DESIGNED_FOR[1])


def scale_in(*rooms: float) -> float:
    """Return the largest scale that no room is too small for; rooms are multiples of what scale 1 needs."""
    return max((one for one in _SCALES if one <= min(rooms)), default=_SCALES[0])


def px(length: float) -> int:
    """Return a length in pixels at the scale of the moment."""
    return round(length * scale())


def hex_of(role: str) -> str:
    """Return the colour of a role as ``#rrggbb``; what is no role is a colour already."""
    return PALETTES[name()].get(role, role)


def colour(role: str, alpha: float = 1.0) -> QColor:
    """Return the colour of a role with an opacity (0..1)."""
    made = QColor(hex_of(role))
    made.setAlphaF(alpha)
    return made


def font(pixels: float, *, bold: bool = False) -> QFont:
    """Return the window's font at one size."""
    made = QFont(FAMILIES[-1])
    made.setFamilies(list(FAMILIES))
    made.setPixelSize(max(px(pixels), 9))
    made.setWeight(QFont.DemiBold if bold else QFont.Normal)
    return made


def style() -> str:
    """Return the style sheet of a window in the palette in use."""
    c = {role: hex_of(role) for role in DARK}
    tint = colour(TONES["warn"], 0.14)
    warn = f"rgba({tint.red()}, {tint.green()}, {tint.blue()}, {tint.alpha()})"
    return f"""
QWidget {{ color: {c[TEXT]}; }}
QMainWindow, QDialog, QWidget#window, QWidget#picture, QWidget#page {{ background: {c[BACKGROUND]}; }}
QMainWindow::separator {{ background: {c[BACKGROUND]}; width: {px(SPACE)}px; height: {px(SPACE)}px; }}
QFrame#panel {{ background: {c[PANEL]}; border: 1px solid {c[LINE]}; border-radius: {px(6)}px; }}
QFrame#tile {{ background: {c[PANEL]}; border: 2px solid {c[LINE]}; border-radius: {px(6)}px; }}
QFrame#tile:hover {{ border-color: {c[SOFT]}; }}
QFrame#tile:focus {{ border-color: {c[ACCENT]}; }}
QFrame#notices {{ background: {warn}; border: 1px solid {c["warn"]}; border-radius: {px(5)}px; }}
QWidget#dockTitle {{ background: {c[BACKGROUND]}; }}
QLabel {{ background: transparent; border: none; }}
QToolTip {{ background: {c[RAISED]}; color: {c[TEXT]}; border: 1px solid {c[LINE]}; }}
QToolButton, QPushButton {{ background: {c[RAISED]}; border: 1px solid {c[LINE]}; border-radius: {px(5)}px;
    padding: {px(3)}px {px(8)}px; }}
QToolButton:hover, QPushButton:hover {{ border-color: {c[ACCENT]}; }}
QToolButton:checked, QPushButton:default {{ background: {c[ACCENT]}; color: {c[PANEL]}; border-color: {c[ACCENT]}; }}
QToolButton:disabled, QPushButton:disabled {{ color: {c[FAINT]}; background: {c[PANEL]}; }}
QToolButton#quiet {{ background: transparent; border: none; padding: 0px; color: {c[SOFT]}; }}
QToolButton#quiet:hover {{ color: {c[TEXT]}; }}
QToolButton::menu-indicator {{ image: none; }}
QComboBox::drop-down {{ border: none; width: {px(18)}px; }}
QSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::up-button, QDoubleSpinBox::down-button {{ border: none;
    background: transparent; width: {px(16)}px; }}
QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox, QPlainTextEdit {{ background: {c[RAISED]};
    border: 1px solid {c[LINE]}; border-radius: {px(4)}px; padding: {px(2)}px {px(5)}px;
    selection-background-color: {c[ACCENT]}; selection-color: {c[PANEL]}; }}
QComboBox QAbstractItemView, QMenu, QListView {{ background: {c[RAISED]}; color: {c[TEXT]};
    border: 1px solid {c[LINE]}; selection-background-color: {c[ACCENT]}; selection-color: {c[PANEL]}; }}
QMenu::item:disabled {{ color: {c[FAINT]}; }}
QTableView {{ background: {c[PANEL]}; alternate-background-color: {c[RAISED]}; gridline-color: {c[LINE]};
    border: 1px solid {c[LINE]}; selection-background-color: {c[RAISED]}; selection-color: {c[TEXT]}; }}
QHeaderView::section {{ background: {c[RAISED]}; color: {c[SOFT]}; border: none; padding: {px(3)}px; }}
QScrollArea {{ background: transparent; border: none; }}
QTabWidget::pane {{ border: 1px solid {c[LINE]}; }}
QCheckBox {{ spacing: {px(6)}px; }}
QCheckBox::indicator {{ width: {px(12)}px; height: {px(12)}px; background: {c[RAISED]};
    border: 1px solid {c[FAINT]}; border-radius: {px(3)}px; }}
QCheckBox::indicator:checked {{ background: {c[ACCENT]}; border-color: {c[ACCENT]}; }}
QScrollBar:vertical {{ background: transparent; width: {px(9)}px; }}
QScrollBar::handle:vertical {{ background: {c[LINE]}; border-radius: {px(4)}px; min-height: {px(24)}px; }}
QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent;
    border: none; height: 0px; width: 0px; }}
QTableView::item {{ padding: {px(2)}px; }}
QTabBar::tab {{ background: {c[PANEL]}; color: {c[SOFT]}; border: 1px solid {c[LINE]};
    padding: {px(2)}px {px(10)}px; }}
QTabBar::tab:selected {{ background: {c[RAISED]}; color: {c[TEXT]}; }}
QSlider::groove:horizontal {{ background: {c[RAISED]}; height: {px(6)}px; border-radius: {px(3)}px; }}
QSlider::handle:horizontal {{ background: {c[ACCENT]}; width: {px(14)}px; margin: -{px(4)}px 0;
    border-radius: {px(7)}px; }}
QProgressBar {{ background: {c[RAISED]}; border: none; border-radius: {px(3)}px; }}
QProgressBar::chunk {{ background: {c[ACCENT]}; border-radius: {px(3)}px; }}
"""


def palette() -> QPalette:
    """Return what a style sheet cannot say of the palette in use: arrows, placeholders, disabled text."""
    made = QPalette()
    for part, role in (
        (QPalette.Window, BACKGROUND), (QPalette.Base, RAISED), (QPalette.Button, RAISED), (QPalette.Text, TEXT),
        (QPalette.WindowText, TEXT), (QPalette.ButtonText, TEXT), (QPalette.PlaceholderText, FAINT),
        (QPalette.Highlight, ACCENT), (QPalette.HighlightedText, PANEL), (QPalette.ToolTipBase, RAISED),
        (QPalette.ToolTipText, TEXT), (QPalette.Mid, LINE), (QPalette.Dark, LINE), (QPalette.Light, RAISED),
    ):  # fmt: skip
        made.setColor(part, colour(role))
    return made


def contrast(first: str, second: str) -> float:
    """Return the contrast of two colours (``#rrggbb``) as WCAG 2.1 defines it: 1 to 21."""
    bright, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(code: str) -> float:
    shares = (int(code[place : place + 2], 16) / 255 for place in (1, 3, 5))
    red, green, blue = (share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def label(text: str = "", pixels: float = 12, tint: str = TEXT, *, bold: bool = False) -> QLabel:
    """Return a plain-text label."""
    made = QLabel(text)
    made.setTextFormat(Qt.PlainText)
    made.setFont(font(pixels, bold=bold))
    tinted(made, tint)
    return made


def tinted(made: QLabel, tint: str) -> None:
    """Set the colour of a label, by its role, if it differs."""
    if made.property("tint") != tint:
        made.setProperty("tint", tint)
        made.setStyleSheet(f"color: {hex_of(tint)};")


def panel(title: str | None = None) -> tuple[QFrame, QVBoxLayout]:
    """Return a framed panel with a heading, and the layout of its content."""
    frame = QFrame()
    frame.setObjectName("panel")
    column = QVBoxLayout(frame)
    column.setContentsMargins(px(10), px(6), px(10), px(8))
    column.setSpacing(px(5))
    if title is not None:
        column.addWidget(label(title, 12, SOFT, bold=True))
    return frame, column


class SteadyLabel(QLabel):
    """A label that wraps into a fixed number of lines, so that its text does not move its neighbours."""

    def __init__(self, lines: int, pixels: float, tint: str = TEXT, *, bold: bool = False) -> None:
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


class FittingLabel(QLabel):
    """A label that wraps, at the largest of some sizes at which every word of its text is seen; else the smallest.

    Parameters
    ----------
    sizes : sequence of float
        From the largest on.
    lines : int
        Of the largest size: its least height.
    tint : str
    bold : bool
    grows : bool
        Whether it takes more than its least height.
    """

    def __init__(
        self, sizes: Sequence[float], lines: int, tint: str = TEXT, *, bold: bool = False, grows: bool = False
    ) -> None:
        super().__init__()
        self._sizes, self._bold = tuple(sizes), bold
        self.setTextFormat(Qt.PlainText)
        self.setWordWrap(True)
        self.setAlignment(Qt.AlignTop | Qt.AlignLeft)
        tinted(self, tint)
        self.setFont(font(self._sizes[0], bold=bold))
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Expanding if grows else QSizePolicy.Fixed)
        self._least = lines * self.fontMetrics().lineSpacing() + 1
        (self.setMinimumHeight if grows else self.setFixedHeight)(self._least)

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the preferred size, which is the least: the text follows the room."""
        return QSize(0, self._least)

    def setText(self, text: str | None) -> None:  # noqa: N802
        """Set the text at the largest size that fits."""
        if text != self.text():
            super().setText(text or "")
            self.setToolTip(text or "")
            self._fit()

    def hasHeightForWidth(self) -> bool:  # noqa: N802
        """Return False: the text follows the room, and not the room the text."""
        return False

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Fit the text anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        for size in self._sizes:
            self.setFont(font(size, bold=self._bold))
            room = self.fontMetrics().boundingRect(0, 0, self.width(), 10_000, int(Qt.TextWordWrap), self.text())
            if room.height() <= self.height() and room.width() <= self.width():
                return


class ElidedLabel(QLabel):
    """A label on one line that ends in … where its room ends; the whole text is its tooltip."""

    def __init__(self, pixels: float = 12, tint: str = TEXT, *, bold: bool = False) -> None:
        super().__init__()
        self.setTextFormat(Qt.PlainText)
        self.setFont(font(pixels, bold=bold))
        tinted(self, tint)
        self.setMinimumWidth(1)
        self.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Fixed)
        self.full = ""

    def setText(self, text: str | None) -> None:  # noqa: N802
        """Set the whole text."""
        self.full = text or ""
        self.setToolTip(self.full)
        self._fit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:  # noqa: N802
        """Fit the text to the new width."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        super().setText(self.fontMetrics().elidedText(self.full, Qt.ElideRight, max(self.width(), 1)))


def elastic(widget: QWidget) -> QWidget:
    """Let a widget's stretch alone determine its size, and return it."""
    widget.setSizePolicy(QSizePolicy.Ignored, QSizePolicy.Ignored)
    widget.setMinimumSize(px(60), px(60))
    return widget
