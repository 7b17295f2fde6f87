"""Run a replay in a process of its own, and hear from it.

The child opens the recording itself: only the source's path or seed and the options cross the border.
"""

import contextlib
import signal
import sys
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Self, TypeAlias

from ...configs.schema.errors import MoodringError
from ...models.contract import Recording
from ...processes import Child
from .playhead import Command, CommandResult, Pause, Resume, Seek, SetSpeed
from .publish import Published, Ready, ReplayOptions, Started, apply_lsl_settings, publish

_SWITCH_S = 0.0005  # how long the thread that reads frames may keep the interpreter from the one that pushes
_GRACE_S = 5.0


@dataclass(frozen=True)
class SimulatedSource:
    """A simulated participant, made in the child."""

    seed: int
    duration_s: float


ReplaySource: TypeAlias = Path | SimulatedSource


@dataclass(frozen=True)
class _Failed:
    line: str


_News: TypeAlias = Ready | Started | CommandResult | _Failed | Published


class Replay:
    """A replay in a child process; use as a context manager, or call :meth:`stop`.

    The child ends by itself at the recording's end, when nobody connects, and when this process dies.
    """

    def __init__(self, source: ReplaySource, options: ReplayOptions) -> None:
        self._answers: list[CommandResult] = []
        self._sending = threading.Lock()  # commands may come from another thread than the one that waits
        self._ready: Ready | None = None
        self._started: Started | None = None
        self._failed: _Failed | None = None
        self._published: Published | None = None
        self._child = Child("replay", _replay, source, options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The child's process id."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the child lives."""
        return self._child.running

    @property
    def error(self) -> str | None:
        """The line that ended the child, or None."""
        self._hear(0.0)
        return None if self._failed is None else self._failed.line

    def wait_ready(self, timeout_s: float) -> tuple[str, ...]:
        """Wait until the streams can be found; give their names.

        Raises
        ------
        MoodringError
            The child failed (its own line), or took longer.
        """
        deadline_s = time.monotonic() + timeout_s
        while self._ready is None:
            self._raise_failure()
            if time.monotonic() > deadline_s:
                raise MoodringError(f"the replay's streams were not there after {timeout_s:g} s; give it longer")
            self._hear(0.1)
        return self._ready.names

    def wait_started(self, timeout_s: float) -> float:
        """Wait for all consumers; give the LSL time of the replay's first moment. Raises as :meth:`wait_ready`."""
        deadline_s = time.monotonic() + timeout_s
        while self._started is None:
            self._raise_failure()
            if time.monotonic() > deadline_s:
                raise MoodringError(f"the replay had not started after {timeout_s:g} s; not all streams are read")
            self._hear(0.1)
        return self._started.start_s

    def wait(self, timeout_s: float | None = None) -> Published | None:
        """Wait for the end; give what went out, or None where it still runs. Raises as :meth:`wait_ready`."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while self._published is None and (deadline_s is None or time.monotonic() < deadline_s):
            self._raise_failure()
            self._hear(0.1)
        self._raise_failure()
        return self._published

    def pause(self) -> None:
        """Ask it to pause; what has gone out stays out. Like all four it returns at once: see :meth:`answers`."""
        self.send(Pause())

    def resume(self) -> None:
        """Ask it to go on after a pause."""
        self.send(Resume())

    def seek(self, to_s: float) -> None:
        """Ask it to go to a moment, in seconds from the recording's t0."""
        self.send(Seek(to_s))

    def set_speed(self, speed: float) -> None:
        """Ask it to run the timeline so many times as fast."""
        self.send(SetSpeed(speed))

    def send(self, command: Command) -> None:
        """Send a command, from any thread; one that comes before the start is followed at the start."""
        with self._sending, contextlib.suppress(OSError):  # the end may have come meanwhile
            self._child.pipe.send(command)

    def answers(self) -> tuple[CommandResult, ...]:
        """Give what the commands led to, one for each, since the last time."""
        self._hear(0.0)
        answers, self._answers = tuple(self._answers), []
        return answers

    def stop(self) -> None:
        """End the child: by asking, then by force; at once where nothing is published yet."""
        self._hear(0.0)
        with self._sending, contextlib.suppress(OSError):  # it may have gone already
            self._child.pipe.send(None)
        with self._sending:  # the pipe goes
            self._child.end(0.0 if self._ready is None else _GRACE_S, self._hear)

    def _hear(self, timeout_s: float) -> None:
        try:
            while self._child.pipe.poll(timeout_s):
                self._take(self._child.pipe.recv())
                timeout_s = 0.0
        except (EOFError, OSError):
            # The child's end of the pipe is closed: it is over.
            self._child.join(_GRACE_S)
            if self._published is None and self._failed is None:
                code = self._child.exit_status
                self._failed = _Failed(f"the replay's process ended early (exit status {code}); start it again")

    def _take(self, news: _News) -> None:
        if isinstance(news, Ready):
            self._ready = news
        elif isinstance(news, Started):
            self._started = news
        elif isinstance(news, CommandResult):
            self._answers.append(news)
        elif isinstance(news, _Failed):
            self._failed = news
        else:
            self._published = news

    def _raise_failure(self) -> None:
        if self._failed is not None:
            raise MoodringError(self._failed.line)


def start_replay(source: ReplaySource, options: ReplayOptions) -> Replay:
    """Start publishing a recording or a simulated participant in a child process; see :class:`Replay`."""
    return Replay(source, options)


def open_source(source: ReplaySource, eeg_stream: str | None = None) -> Recording:
    """Open a recording, or make a simulated participant of the benchmark."""
    if isinstance(source, SimulatedSource):
        from ..simulate import simulate

        return simulate(source.seed, source.duration_s)
    from ..recordings.open import open_recording

    return open_recording(source, eeg=eeg_stream)


def _replay(source: ReplaySource, options: ReplayOptions, parent: Connection) -> None:
    # The terminal sends Ctrl-C to every process; when to end is the parent's to say.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.setswitchinterval(_SWITCH_S)
    try:
        apply_lsl_settings(options.lsl)
        published = publish(open_source(source, options.eeg_stream), options, _PipeControl(parent))
        parent.send(published)
    except MoodringError as error:
        parent.send(_Failed(str(error)))
    except (BrokenPipeError, EOFError):
        pass  # nobody is left to hear it
    except Exception as error:
        parent.send(_Failed(f"the replay failed: {type(error).__name__}: {error}"))
        raise


class _PipeControl:
    """The child's end of the pipe."""

    def __init__(self, parent: Connection) -> None:
        self._parent = parent
        self._commands: list[Command] = []
        self._stopped = False

    def stopped(self) -> bool:
        """Whether the parent asked to stop, or is gone (its end of the pipe is closed then)."""
        try:
            while not self._stopped and self._parent.poll():
                command = self._parent.recv()
                if command is None:
                    self._stopped = True
                else:
                    self._commands.append(command)
        except (EOFError, OSError):
            self._stopped = True
        return self._stopped

    def commands(self) -> list[Command]:
        """Give what came."""
        commands, self._commands = self._commands, []
        return commands

    def report(self, news: Ready | Started | CommandResult) -> None:
        """Tell the parent."""
        self._parent.send(news)
