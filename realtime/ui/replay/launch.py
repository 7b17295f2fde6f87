"""Open the replay page from another page: as the command `moodring view`, in a process that goes on by itself."""

import subprocess
import sys
from pathlib import Path

from PyQt5.QtWidgets import QLineEdit, QPushButton

from .. import strings


def replay_command(path: Path | None, folder: Path | None = None) -> list[str]:
    """Return the command that opens a recording, or lists the sessions of a folder."""
    command = [sys.executable, "-m", "moodring", "view"]
    if folder is not None:
        command += ["--in", str(folder)]
    return command if path is None else [*command, str(path)]


def launch_replay(path: Path | None, folder: Path | None = None) -> "subprocess.Popen[bytes]":
    """Start it; a session that begins meanwhile, and the end of this process, leave it open.

    Raises
    ------
    OSError
        No process can be started.
    """
    command = replay_command(path, folder)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603


class RecordingsButton(QPushButton):
    """Opens the replay page with the sessions of a folder.

    Parameters
    ----------
    folder : QLineEdit
        Where the folder is written.
    """

    def __init__(self, folder: QLineEdit) -> None:
        super().__init__(strings.SETUP_RECORDINGS)
        self._folder = folder
        self.setToolTip(strings.SETUP_RECORDINGS_TIP)
        self.setAutoDefault(False)
        self.clicked.connect(self._open)

    def _open(self) -> None:
        try:
            launch_replay(None, Path(self._folder.text().strip() or "sessions"))
        except OSError as error:
            self.setText(strings.SETUP_NO_REPLAY.format(why=error.strerror or error))
