"""The Qt application of a process, and where its messages go."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pyqtgraph as pg
from PyQt5.QtCore import QMessageLogContext, Qt, QtMsgType, qInstallMessageHandler
from PyQt5.QtWidgets import QApplication

from .display import leave_opencv_qt

_log = logging.getLogger(__name__)
_QT_LEVELS = {
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


def application_here() -> QApplication:
    """Return the Qt application of this process."""
    leave_opencv_qt()
    running = QApplication.instance()
    if running is not None:
        return running
    QApplication.setAttribute(Qt.AA_EnableHighDpiScaling)
    QApplication.setAttribute(Qt.AA_UseHighDpiPixmaps)
    application = QApplication(["moodring"])
    application.setApplicationName("moodring")
    application.setStyle("Fusion")  # the same on every system, and it takes the palettes whole
    pg.setConfigOptions(antialias=False)
    return application


@contextmanager
def qt_logged() -> Iterator[None]:
    """Redirect Qt's messages to the log."""

    def log(kind: QtMsgType, _context: QMessageLogContext, message: str | None) -> None:
        _log.log(_QT_LEVELS.get(kind, logging.INFO), "Qt: %s", message)

    before = qInstallMessageHandler(log)
    try:
        yield
    finally:
        qInstallMessageHandler(before)
