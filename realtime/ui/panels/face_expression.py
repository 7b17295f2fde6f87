"""What the face expresses now, its place on the circumplex, and every emotion's bar; or the same in one line."""

from PyQt5.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout

from ...screens import wording
from .. import theme
from ..live.view import View
from .bars import Bars, beside

NAME_WIDTH, LINE_HEIGHT = 76, 32


class FaceExpressionPanel(QFrame):
    """Answer and place on the left, emotions on the right."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.answer = theme.SteadyLabel(2, 19, bold=True)
        self.place = theme.label("", 11, theme.SOFT)
        self.bars = Bars((), (theme.ACCENT,), NAME_WIDTH)
        left = QVBoxLayout()
        left.setSpacing(3)
        left.addWidget(self.answer)
        left.addWidget(self.place)
        left.addStretch()
        beside(self, left, self.bars)

    def show_view(self, view: View) -> None:
        """Show answer, place and emotions."""
        snapshot = view.snapshot
        if snapshot is None:
            return
        said = wording.face_expression(snapshot)
        self.answer.setText(said.text)
        theme.tinted(self.answer, theme.TEXT if said.tone == "good" else theme.SOFT)
        self.place.setText(wording.face_place(snapshot))
        self.bars.show_names(snapshot.classes(wording.FACE))
        output = None if snapshot.estimate is None else snapshot.estimate.answer(wording.FACE)
        if output is None or output.probabilities is None:
            self.bars.show_values(None)
        else:
            best = max(range(len(output.probabilities)), key=output.probabilities.__getitem__)
            self.bars.show_values(output.probabilities, output.kept or (best,))


class FaceExpressionLine(QFrame):
    """Title and answer in one row, where there is no room for bars."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("panel")
        self.setFixedHeight(theme.px(LINE_HEIGHT))
        self.answer = theme.SteadyLabel(1, 14, bold=True)
        row = QHBoxLayout(self)
        row.setContentsMargins(theme.px(10), theme.px(4), theme.px(10), theme.px(4))
        row.addWidget(self.answer, 1)

    def show_view(self, view: View) -> None:
        """Show the answer."""
        if view.snapshot is None:
            return
        said = wording.face_expression(view.snapshot)
        self.answer.setText(said.text)
        theme.tinted(self.answer, theme.TEXT if said.tone == "good" else theme.SOFT)
