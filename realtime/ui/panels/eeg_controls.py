"""What the user sets of the EEG chart: scale, time, filter, channels and their order."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PyQt5.QtCore import Qt, pyqtSignal
from PyQt5.QtWidgets import QAction, QComboBox, QHBoxLayout, QMenu, QSizePolicy, QToolButton, QWidget

from .. import strings, theme
from ..live.view import PASSBANDS, SCALES_UV, WINDOWS_S, EegChoice, Passband, Traces
from ..painting import ChoiceBox


class EegControls(QWidget):
    """One row of menus; :attr:`chosen` tells of a new choice, which the view model then draws by."""

    chosen = pyqtSignal(object)

    def __init__(self) -> None:
        super().__init__()
        self._choice = EegChoice()
        self._names: tuple[str, ...] = ()
        self._good: tuple[bool, ...] = ()
        self.scale = _box([strings.EEG_SCALE.format(microvolts=one) for one in SCALES_UV], strings.EEG_SCALE_TIP)
        self.window_s = _box([strings.EEG_WINDOW.format(seconds=one) for one in WINDOWS_S], strings.EEG_WINDOW_TIP)
        self.passband = _box([_band_name(one) for one in PASSBANDS], strings.EEG_FILTER_TIP)
        self.channels = QToolButton()
        self.channels.setText(strings.EEG_CHANNELS)
        self.channels.setFont(theme.font(11))
        self.channels.setToolTip(strings.EEG_CHANNELS_TIP)
        self.channels.setPopupMode(QToolButton.InstantPopup)
        self.menu = QMenu(self)
        self.channels.setMenu(self.menu)
        self.menu.aboutToShow.connect(self.fill_menu)
        self.scale.activated.connect(lambda place: self._choose(span_uv=SCALES_UV[place]))
        self.window_s.activated.connect(lambda place: self._choose(window_s=WINDOWS_S[place]))
        self.passband.activated.connect(lambda place: self._choose(passband=PASSBANDS[place]))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.px(5))
        for part in (self.scale, self.window_s, self.passband, self.channels):
            row.addWidget(part)
        row.addStretch()

    def show_choice(
        self, choice: EegChoice, traces: Traces | None, names: tuple[str, ...], good: tuple[bool, ...]
    ) -> None:
        """Show what is chosen now."""
        self._choice, self._names, self._good = choice, names, good
        span = choice.span_uv or (traces.span_uv if traces is not None else None)
        for box, place in (
            (self.scale, -1 if span is None else nearest(SCALES_UV, span)),
            (self.window_s, nearest(WINDOWS_S, choice.window_s)),
            (self.passband, PASSBANDS.index(choice.passband)),
        ):
            if box.currentIndex() != place:
                box.setCurrentIndex(place)

    def fill_menu(self) -> None:
        """Fill the menu of channels as they are now."""
        self.menu.clear()
        bad = tuple(name for name, used in zip(self._names, self._good, strict=False) if not used)
        self.menu.addAction(strings.EEG_ALL, lambda: self._choose(hidden=()))
        self.menu.addAction(strings.EEG_GOOD_ONLY, lambda: self._choose(hidden=bad))
        self._add(strings.EEG_BY_PLACE, self._choice.by_place, lambda on: self._choose(by_place=on))
        self.menu.addSeparator()
        for name in self._names:
            self._add(name, name not in self._choice.hidden, partial(self._show, name))

    def _add(self, text: str, on: bool, chosen: Callable[[bool], None]) -> None:
        """Add a line that is on or off."""
        action = QAction(text, self.menu)
        action.setCheckable(True)
        action.setChecked(on)
        action.toggled.connect(chosen)
        self.menu.addAction(action)

    def _show(self, name: str, on: bool) -> None:
        others = tuple(one for one in self._choice.hidden if one != name)
        self._choose(hidden=others if on else (*others, name))

    def _choose(
        self,
        span_uv: float | None = None,
        window_s: float | None = None,
        passband: Passband | str | None = "",
        hidden: tuple[str, ...] | None = None,
        by_place: bool | None = None,
    ) -> None:
        choice = self._choice
        self._choice = replace(
            choice,
            span_uv=choice.span_uv if span_uv is None else span_uv,
            window_s=choice.window_s if window_s is None else window_s,
            passband=choice.passband if isinstance(passband, str) else passband,
            hidden=choice.hidden if hidden is None else hidden,
            by_place=choice.by_place if by_place is None else by_place,
        )
        self.chosen.emit(self._choice)


def nearest(values: tuple[float, ...], value: float) -> int:
    """Return the place of the value that is nearest to another."""
    return min(range(len(values)), key=lambda place: abs(values[place] - value))


def _band_name(passband: Passband | None) -> str:
    if passband is None:
        return strings.EEG_AS_DECODED
    return strings.EEG_BAND.format(low=passband[0], high=passband[1])


def _box(texts: list[str], tip: str) -> QComboBox:
    made = ChoiceBox()
    made.setFont(theme.font(11))
    made.addItems(texts)
    made.setToolTip(tip)
    made.setSizeAdjustPolicy(QComboBox.AdjustToContents)
    made.setSizePolicy(QSizePolicy.Fixed, QSizePolicy.Fixed)
    # Keys belong to the window: a box that had the focus would take them.
    made.setFocusPolicy(Qt.NoFocus)
    return made
