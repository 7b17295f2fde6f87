"""Bring the fonts and lengths of a page that is there to another scale; what is written in it stays."""

from collections.abc import Callable
from dataclasses import dataclass

from PyQt5.QtCore import QMargins, Qt
from PyQt5.QtWidgets import QAbstractSpinBox, QComboBox, QFormLayout, QLayout, QLineEdit, QTableView, QWidget

from . import theme

_DESIGN = "moodring_design"
_UNLIMITED = (1 << 24) - 1  # Qt's largest size of a widget
_LEAST_FONT = 9


@dataclass(frozen=True)
class _Design:
    """Lengths of a widget or a layout at scale 1, so that nothing is rounded twice; None where it has none."""

    font: float | None = None
    least: tuple[float | None, float | None] = (None, None)
    most: tuple[float | None, float | None] = (None, None)
    margins: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    spacing: tuple[float | None, ...] = ()


def rescale(page: QWidget, before: float) -> None:
    """Bring everything in a page from a scale to the one in use; the least size of the page itself stays.

    Parameters
    ----------
    page : QWidget
    before : float
        The scale that the page was made at, or brought to last.
    """
    widgets = [(one, _widget_design(one, before)) for one in page.findChildren(QWidget)]
    layouts = [(one, _layout_design(one, before)) for one in page.findChildren(QLayout)]
    page.setStyleSheet(theme.style())
    page.setFont(theme.font(12))
    for widget, design in widgets:
        _apply_to_widget(widget, design)
    for layout, design in layouts:
        _apply_to_layout(layout, design)
    for line in page.findChildren(QLineEdit):
        box = line.parentWidget()
        if isinstance(box, QComboBox | QAbstractSpinBox):
            line.setFont(box.font())  # a new style sheet takes it from the line inside a box
    for table in page.findChildren(QTableView):
        numbers = table.verticalHeader()
        if numbers is not None:
            numbers.setFont(table.font())
            numbers.setMinimumSectionSize(-1)
            numbers.setDefaultSectionSize(-1)
        table.resizeRowsToContents()


def _widget_design(widget: QWidget, before: float) -> _Design:
    design = widget.property(_DESIGN)
    if not isinstance(design, _Design):
        own_font = widget.testAttribute(Qt.WA_SetFont) and widget.font().pixelSize() > 0
        least, most = widget.minimumSize(), widget.maximumSize()
        design = _Design(
            font=widget.font().pixelSize() / before if own_font else None,
            least=(_least(least.width(), before), _least(least.height(), before)),
            most=(_most(most.width(), before), _most(most.height(), before)),
        )
        widget.setProperty(_DESIGN, design)
    return design


def _apply_to_widget(widget: QWidget, design: _Design) -> None:
    if design.font is not None:
        font = widget.font()
        font.setPixelSize(max(theme.px(design.font), _LEAST_FONT))
        widget.setFont(font)
    for wanted, set_length in zip(
        (*design.most, *design.least),
        (widget.setMaximumWidth, widget.setMaximumHeight, widget.setMinimumWidth, widget.setMinimumHeight),
        strict=True,
    ):
        if wanted is not None:
            set_length(theme.px(wanted))


def _layout_design(layout: QLayout, before: float) -> _Design:
    design = layout.property(_DESIGN)
    if not isinstance(design, _Design):
        margins = layout.contentsMargins()
        sides = (margins.left(), margins.top(), margins.right(), margins.bottom())
        form = isinstance(layout, QFormLayout)
        spacing = (layout.horizontalSpacing(), layout.verticalSpacing()) if form else (layout.spacing(),)
        design = _Design(
            margins=(sides[0] / before, sides[1] / before, sides[2] / before, sides[3] / before),
            spacing=tuple(one / before if one >= 0 else None for one in spacing),
        )
        layout.setProperty(_DESIGN, design)
    return design


def _apply_to_layout(layout: QLayout, design: _Design) -> None:
    layout.setContentsMargins(QMargins(*(theme.px(one) for one in design.margins)))
    setters: tuple[Callable[[int], None], ...] = (layout.setSpacing,)
    if isinstance(layout, QFormLayout):
        setters = (layout.setHorizontalSpacing, layout.setVerticalSpacing)
    for wanted, set_spacing in zip(design.spacing, setters, strict=True):
        if wanted is not None:
            set_spacing(theme.px(wanted))


def _least(length: int, before: float) -> float | None:
    return length / before if length > 1 else None


def _most(length: int, before: float) -> float | None:
    return length / before if length < _UNLIMITED else None
