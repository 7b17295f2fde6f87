"""Steer a replay by lines typed at a terminal, or written into a pipe."""

import signal
import threading
from collections.abc import Callable

from ...configs.schema.errors import MoodringError
from .playhead import Command, parse_command

_STDIN = 0


def announcement(names: tuple[str, ...]) -> str:
    """Say which streams can be read, and how an engine is told which one is the loudspeaker's."""
    line = f"streams: {', '.join(names)}; waiting until they are read (moodring live CONFIG)"
    played = [name for name in names if name.endswith("_loudspeaker")]
    if not played:
        return line
    option = f"--set speech.reference.stream.name={played[0]}"
    return f"{line}\n{played[0]} is what the loudspeaker played: moodring live configs/replay.toml {option}"


def obey_typed_lines(send: Callable[[Command], None], say: Callable[[str], None], descriptor: int = _STDIN) -> None:
    """Read commands in a thread of their own until the input ends, which ends nothing else.

    Parameters
    ----------
    send : callable
        Given each command, in that thread.
    say : callable
        Given a line for what was not understood, in that thread.
    descriptor : int
        Of the file to read from; one that cannot be read is left alone.
    """
    if hasattr(signal, "SIGTTIN"):
        # A shell's background job that reads from the terminal would be stopped; like this the reading fails instead.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    threading.Thread(target=_read, args=(send, say, descriptor), name="typed", daemon=True).start()


def _read(send: Callable[[Command], None], say: Callable[[str], None], descriptor: int) -> None:
    try:
        # Without a buffer: at the interpreter's end nobody may hold the lock of one, as a thread that waits would.
        with open(descriptor, "rb", buffering=0, closefd=False) as typed:
            while line := typed.readline(200):
                try:
                    send(parse_command(line.decode(errors="replace")))
                except MoodringError as error:
                    say(str(error))
    except (OSError, ValueError):
        return  # no input, or one that is not ours to read
