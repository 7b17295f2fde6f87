"""Make the report of a recording, by `moodring report` in a process of its own, and open it in the browser."""

import sys
from collections.abc import Callable
from pathlib import Path

from PyQt5.QtCore import QObject, QProcess, QUrl, pyqtSignal
from PyQt5.QtGui import QDesktopServices

from ....configs.schema.session_folder import REPORT_FILE
from .. import strings

_END_MS = 5000


def _open(url: QUrl) -> bool:
    return bool(QDesktopServices.openUrl(url))


class ReportRun(QObject):
    """Makes one report at a time; :attr:`told` gives a sentence and whether it is a good one.

    Parameters
    ----------
    open_page : callable
        Opens an address with the desktop's browser; False where there is none.
    """

    told = pyqtSignal(str, bool)

    def __init__(self, open_page: Callable[[QUrl], bool] = _open) -> None:
        super().__init__()
        self._open = open_page
        self._folder = Path()
        self._process = QProcess(self)
        self._process.finished.connect(self._finished)
        self._process.errorOccurred.connect(self._failed_to_start)

    @property
    def running(self) -> bool:
        """Whether a report is being made."""
        return bool(self._process.state() != QProcess.NotRunning)

    def make(self, folder: Path) -> None:
        """Make the report of a session folder; one that is being made is left to it."""
        if self.running:
            return
        self._folder = folder
        self.told.emit(strings.REPORT_MAKING, True)
        self._process.start(sys.executable, ["-m", "moodring", "report", str(folder)])

    def close(self) -> None:
        """End it."""
        self._process.blockSignals(True)
        if self.running:
            self._process.kill()
            self._process.waitForFinished(_END_MS)

    def _finished(self, status: int, how: QProcess.ExitStatus) -> None:
        said = bytes(self._process.readAllStandardError()).decode(errors="replace").strip()
        if status != 0 or how != QProcess.NormalExit:
            why = said.splitlines()[-1] if said else strings.REPORT_DIED.format(status=status)
            self.told.emit(why.removeprefix(f"{strings.BRAND}: "), False)
            return
        page = self._folder / REPORT_FILE
        opened = self._open(QUrl.fromLocalFile(str(page.resolve())))
        self.told.emit((strings.REPORT_OPENED if opened else strings.REPORT_NOT_OPENED).format(path=page), opened)

    def _failed_to_start(self, error: QProcess.ProcessError) -> None:
        if error == QProcess.FailedToStart:
            self.told.emit(self._process.errorString(), False)
