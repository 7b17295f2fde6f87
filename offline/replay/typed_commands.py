"""Control a replay by lines typed at a terminal or written into a pipe."""

import signal
import threading
from collections.abc import Callable

from ...configs.schema.errors import MoodringError
from .playhead import Command, parse_command

_STDIN = 0


def announcement(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the line that names the streams, and the option that tells a session which one is the loudspeaker's."""
    line = f"streams: {', '.join(names)}; waiting until they are read (moodring live CONFIG)"
    played = [name for name in names if name.endswith("_loudspeaker")]
    if not played:
        return (line,)
    option = f"--set speech.reference.stream.name={played[0]}"
    return line, f"{played[0]} is what the loudspeaker played: moodring live configs/replay.toml {option}"


def read_commands(send: Callable[[Command], None], say: Callable[[str], None], descriptor: int = _STDIN) -> None:
    """Read commands in a thread until the input ends; the replay goes on after that.

    Parameters
    ----------
    send : callable
        Called with each command in that thread.
    say : callable
        Called in that thread with an error line for each line that is no command.
    descriptor : int
        Of the file to read from; one that cannot be read is ignored.
    """
    if hasattr(signal, "SIGTTIN"):
        # A background job that reads from the terminal is stopped by default; with this its read fails instead.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    threading.Thread(target=_read, args=(send, say, descriptor), name="typed", daemon=True).start()


def _read(send: Callable[[Command], None], say: Callable[[str], None], descriptor: int) -> None:
    try:
        # Unbuffered, because a waiting thread would hold the buffer's lock at the interpreter's end.
        with open(descriptor, "rb", buffering=0, closefd=False) as typed:
            while line := typed.readline(200):
                try:
                    send(parse_command(line.decode(errors="replace")))
                except MoodringError as error:
                    say(str(error))
    except (OSError, ValueError):
        return  # no readable input
