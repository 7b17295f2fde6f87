"""Adapt a bundle to the participant of a finished recording: `moodring calibrate` in a process of its own."""

import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile

from ....configs.schema import session_folder as names
from ....configs.schema.errors import MoodringError, failure_of
from ....configs.schema.live import LiveConfig
from ....configs.schema.load import load
from ....processes import Child, Parent

_POLL_S = 0.1
_GRACE_S = 5.0


def words_of(recorded: Path, participant: str) -> list[str]:
    """Return the words of the command for a recording.

    The bundle is that which the session decoded what is felt with; the new one lies beside the participant's sessions.

    Raises
    ------
    ConfigError
        The session has no config of its own.
    MoodringError
        The session was decoded without such a bundle.
    """
    bundle = load(recorded / names.CONFIG_FILE, LiveConfig).models.video_eeg
    if bundle == "none":
        raise MoodringError("models.video_eeg of the session is 'none', and no other bundle reads ratings")
    chosen = "attention" if bundle == "bundled" else bundle
    return [
        "calibrate",
        str(recorded),
        "--bundle",
        chosen,
        "--out",
        str(out_of(recorded)),
        "--participant",
        participant,
    ]


def out_of(recorded: Path) -> Path:
    """Return where the participant's own bundle goes: a name that nothing has yet."""
    folder = recorded.parent.parent
    stem = f"{recorded.name}_adapted"
    taken = {one.name for one in folder.glob("*.safetensors")} if folder.is_dir() else set()
    name = next(one for n in range(1, 10_000) if (one := f"{stem}{'' if n == 1 else f'-{n}'}.safetensors") not in taken)
    return folder / name


class AdaptRun:
    """A calibration that is under way.

    Parameters
    ----------
    recorded : Path
        The session folder.
    participant : str

    Raises
    ------
    MoodringError
        There is nothing to adapt.
    """

    def __init__(self, recorded: Path, participant: str) -> None:
        words = words_of(recorded, participant)
        self._began_s = time.monotonic()
        self._child = Child("calibration", adapt_here, words, daemon=False, failure=failure_of)
        self._said = ""

    @property
    def seconds(self) -> float:
        """How long it has taken."""
        return time.monotonic() - self._began_s

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        self._read()
        return bool(self._said) or not self._child.running

    @property
    def done(self) -> bool:
        """Whether a bundle was written."""
        return bool(self._child.latest.get("done"))

    @property
    def said(self) -> str:
        """What the command said at its end, in a line."""
        self._read()
        return self._said or "it ended without a word"

    def close(self) -> None:
        """End it; nothing half-written stays."""
        self._child.end(_GRACE_S)

    def _read(self) -> None:
        said = self._child.take("said")
        self._said = str(said) if said else self._child.error or ""


def adapt_here(parent: Parent, words: list[str]) -> None:
    """Run the command and send ``said``, its last line, and whether it is ``done``: the target of a child process.

    The command ends with this process's parent: it has its own process only because what calibrates is not to be
    imported here.
    """
    command = [sys.executable, "-m", "moodring", *words]
    with (
        # No pipe: one that nobody empties would hold up a command that says much.
        TemporaryFile() as out,
        subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT) as running,  # noqa: S603
    ):
        while running.poll() is None:
            if parent.ended.wait(_POLL_S):
                running.terminate()
                try:
                    running.wait(_GRACE_S / 2)
                except subprocess.TimeoutExpired:
                    running.kill()
                return
        out.seek(0)
        said = out.read().decode(errors="replace").strip()
    lines = [one for one in said.splitlines() if one.strip() and not one.startswith("note:")]
    parent.send({"done": running.returncode == 0, "said": (lines or ["nothing"])[-1].removeprefix("error: ")})
