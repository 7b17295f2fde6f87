"""What the replay page is given from outside: how recordings are opened, how they are decoded again."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ....configs.schema.errors import failure_of
from ....models.contract.viewing import OpenSession
from ....processes import Child, hold_interrupts


@dataclass(frozen=True)
class ReplayTools:
    """Functions of modules, so that they cross to other processes.

    Attributes
    ----------
    open : callable
        Opens a recording.
    decode : callable
        The target of a child process, called with its parent, the recording, the bundle and the file for the estimates.
        It sends ``{"share": 0..1}`` now and then, and writes the file in one move at its end.
    """

    open: Callable[[Path], OpenSession]
    decode: Callable[..., None]


class DecodeRun:
    """Decoding again in a process of its own.

    Parameters
    ----------
    target : callable
        As :attr:`ReplayTools.decode`.
    source, bundle, out : Path
        The recording, the bundle, and the file for the estimates.
    """

    def __init__(self, target: Callable[..., None], source: Path, bundle: Path, out: Path) -> None:
        self.bundle, self.out = bundle, out
        with hold_interrupts():
            self._child = Child("decoding", target, str(source), str(bundle), str(out), failure=failure_of)

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        share: Any = self._child.take("share")
        return float(share or 0.0)

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return not self._child.running

    @property
    def error(self) -> str | None:
        """Why it failed; None while it runs or after success."""
        return self._child.error

    def close(self) -> None:
        """End it, whatever it does."""
        self._child.end(0.0)
