"""The bar of a frozen window: where in the past it is, and a slider through what the rings held."""

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QSlider, QWidget

from .. import strings, theme
from .view import View

_STEPS_PER_S = 10


class FreezeBar(QWidget):
    """There only while the window is frozen; :attr:`moved` tells how many seconds back is wanted."""

    moved = pyqtSignal(float)

    def __init__(self) -> None:
        super().__init__()
        self.slider = QSlider(Qt.Horizontal)
        self.slider.setFocusPolicy(Qt.NoFocus)
        self.text = theme.label("", 12, theme.TONES["warn"], bold=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(4), 0, theme.px(4), 0)
        row.setSpacing(theme.px(10))
        row.addWidget(self.text)
        row.addWidget(self.slider, 1)
        self.slider.valueChanged.connect(self._tell)
        self.hide()

    def show_view(self, view: View) -> None:
        """Show the place of a frozen view."""
        frozen = view.frozen
        self.setVisible(frozen is not None)
        if frozen is None:
            return
        self.text.setText(strings.FROZEN.format(ago=frozen.ago_s, longest=frozen.longest_s))
        self.slider.blockSignals(True)
        self.slider.setRange(-round(frozen.longest_s * _STEPS_PER_S), 0)
        self.slider.setValue(-round(frozen.ago_s * _STEPS_PER_S))
        self.slider.blockSignals(False)

    def _tell(self, value: int) -> None:
        self.moved.emit(-value / _STEPS_PER_S)
