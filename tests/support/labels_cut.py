"""Which texts and panels of a window are cut."""

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QLabel, QToolButton, QWidget

from moodring.realtime.ui.theme import ElidedLabel


def cut_labels(window):
    """Visible labels and buttons whose text does not fit their room, each as class and text."""
    found = []
    for label in window.findChildren(QLabel):
        if not label.isVisible() or not label.text():
            continue
        if isinstance(label, ElidedLabel):
            fits = label.text() == label.full
        else:
            room = label.contentsRect()
            flags = Qt.TextWordWrap if label.wordWrap() else 0
            needed = label.fontMetrics().boundingRect(0, 0, room.width(), 10_000, flags, label.text())
            # A character may reach a pixel over its own advance.
            fits = needed.width() <= room.width() + 1 and needed.height() <= room.height() + 1
        if not fits:
            found.append((type(label).__name__, label.text(), label.width(), label.height()))
    for button in window.findChildren(QToolButton):
        if button.isVisible() and button.width() < button.minimumSizeHint().width():
            found.append(("button", button.text(), button.width(), button.height()))
    return found


def small_panels(window):
    """Visible widgets that are smaller than they must be."""
    return [
        (type(one).__name__, one.objectName(), one.size(), one.minimumSizeHint())
        for one in window.findChildren(QWidget)
        if one.isVisible()
        and (one.width() < one.minimumSizeHint().width() or one.height() < one.minimumSizeHint().height())
        and one.minimumWidth() != 1
        and type(one).__module__.startswith("moodring")
    ]


def outside(window):
    """Visible panels that reach over their window."""
    found = []
    for one in window.findChildren(QWidget):
        if one.isVisible() and one.window() is window and type(one).__module__.startswith("moodring"):
            corner = one.mapTo(window, one.rect().bottomRight())
            if corner.x() > window.width() or corner.y() > window.height():
                found.append((type(one).__name__, corner))
    return found
