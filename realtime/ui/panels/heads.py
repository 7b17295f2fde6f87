"""Every head that has no panel of its own: its name and construct, its answer in words, and its bars."""

from PyQt5.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from ....models.contract import Head, HeadOutput
from ...screens import wording
from .. import theme
from ..live.view import View
from .bars import Bars

NAME_WIDTH = 110


class HeadPanel(QFrame):
    """One head: title and answer on the left, a bar per class, or one on its scale, on the right.

    Parameters
    ----------
    head : Head
    """

    def __init__(self, head: Head) -> None:
        super().__init__()
        self.setObjectName("panel")
        self._head = head
        self.answer = theme.SteadyLabel(1, 14, bold=True)
        names = head.classes or (f"{head.scale[0]:g} to {head.scale[1]:g}" if head.scale is not None else "",)
        self.bars = Bars(names, (theme.ACCENT,) * len(names), NAME_WIDTH)
        left = QVBoxLayout()
        left.setSpacing(2)
        left.addWidget(theme.label(wording.title(head), 12, theme.SOFT, bold=True))
        left.addWidget(self.answer)
        left.addStretch()
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(10), theme.px(5), theme.px(10), theme.px(5))
        row.setSpacing(theme.px(12))
        row.addLayout(left, 4)
        row.addWidget(self.bars, 5)

    def show_output(self, output: HeadOutput | None) -> None:
        """Show the newest output."""
        self.answer.setText(wording.head_answer(self._head, output))
        answered = output is not None and output.answered
        theme.tinted(self.answer, theme.TEXT if answered else theme.SOFT)
        if output is None or not answered:
            self.bars.show_values(None)
        elif output.probabilities is not None:
            best = max(range(len(output.probabilities)), key=output.probabilities.__getitem__)
            self.bars.show_values(output.probabilities, output.kept or (best,))
        elif output.value is not None and self._head.scale is not None:
            low, high = self._head.scale
            self.bars.show_values(((output.value - low) / (high - low),))


class HeadsStrip(QWidget):
    """A panel per further head, side by side; takes no room where a session has none."""

    def __init__(self) -> None:
        super().__init__()
        self.panels: dict[str, HeadPanel] = {}
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(theme.px(theme.SPACE))

    def show_view(self, view: View) -> None:
        """Show the newest output of every further head; another session may have other heads."""
        if view.snapshot is None:
            return
        outputs = [
            (head, output)
            for head, output in wording.further_heads(view.snapshot)
            if head.name not in (wording.FACE, *wording.FACE_PLACE)
        ]
        if [head.name for head, _ in outputs] != list(self.panels):
            for panel in self.panels.values():
                self._row.removeWidget(panel)
                panel.deleteLater()
            self.panels = {head.name: HeadPanel(head) for head, _ in outputs}
            for panel in self.panels.values():
                self._row.addWidget(panel, 1)
        for head, output in outputs:
            self.panels[head.name].show_output(output)
