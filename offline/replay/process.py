"""Run a replay in a process of its own, and read its messages.

The child opens the recording itself: only the source's path or seed and the options cross the border.
"""

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import pylsl

from ...configs.schema.errors import MoodringError, failure_of
from ...configs.schema.liblsl import configure_liblsl
from ...models.contract import Recording
from ...processes import Child, ChildHandle, Message, Parent
from .playhead import Command, CommandResult, Pause, Resume, Seek, SetSpeed, Toggle
from .publish import Published, Ready, ReplayOptions, Started, publish

_SWITCH_S = 0.0005  # how long the thread that reads frames may keep the interpreter from the one that pushes
_GRACE_S = 5.0


@dataclass(frozen=True)
class SimulatedSource:
    """A simulated participant, made in the child."""

    seed: int
    duration_s: float


@dataclass(frozen=True)
class TrialSource:
    """A trial of a corpus, read in the child.

    Attributes
    ----------
    root : Path
        The corpus's folder.
    trial : str
        Its name, or a part of it that only one trial has.
    corpus : str or None
        The layout, where several fit.
    """

    root: Path
    trial: str
    corpus: str | None = None


ReplaySource: TypeAlias = Path | SimulatedSource | TrialSource


class Replay(ChildHandle):
    """A replay in a child process; use as a context manager, or call :meth:`stop`.

    The child ends by itself at the recording's end, when nobody connects, and when this process dies.
    """

    def __init__(self, source: ReplaySource, options: ReplayOptions) -> None:
        super().__init__(Child("replay", _replay, source, options, failure=failure_of), _GRACE_S)

    def wait_ready(self, timeout_s: float) -> tuple[str, ...]:
        """Wait until the streams can be found, and return their names.

        Raises
        ------
        MoodringError
            The child failed (its own line), or took longer.
        """
        return tuple(self._child.wait_for("ready", timeout_s))

    def wait_started(self, timeout_s: float) -> float:
        """Wait for all consumers; return the LSL time of the replay's first moment. Raise as :meth:`wait_ready`."""
        return float(self._child.wait_for("started", timeout_s))

    def wait(self, timeout_s: float | None = None) -> Published | None:
        """Wait for the end; return what went out, or None where it still runs. Raise as :meth:`wait_ready`."""
        if timeout_s is None:
            return Published(**self._child.wait_for("published"))
        if "published" not in self._child.latest:
            self._child.join(timeout_s)
            if (line := self._child.error) is not None:
                raise MoodringError(line)
        sent = self._child.latest.get("published")
        return None if sent is None else Published(**sent)

    def pause(self) -> None:
        """Pause; what has gone out stays out. Like all four, this returns at once: see :meth:`answers`."""
        self.send(Pause())

    def resume(self) -> None:
        """Continue after a pause."""
        self.send(Resume())

    def seek(self, to_s: float) -> None:
        """Continue from a moment, in seconds from the recording's t0."""
        self.send(Seek(to_s))

    def set_speed(self, speed: float) -> None:
        """Run the timeline so many times as fast."""
        self.send(SetSpeed(speed))

    def send(self, command: Command) -> None:
        """Send a command, from any thread; one that comes before the start is followed at the start."""
        self._child.send(_message_of(command))

    def answers(self) -> tuple[CommandResult, ...]:
        """Return what the commands led to, one for each, since the last time."""
        answers = []
        while (message := self._child.receive(0.0)) is not None:
            if "result" in message:
                answers.append(CommandResult(**message["result"]))
        return tuple(answers)


def start_replay(source: ReplaySource, options: ReplayOptions) -> Replay:
    """Start publishing a recording or a simulated participant in a child process; see :class:`Replay`."""
    return Replay(source, options)


def open_source(source: ReplaySource, eeg_stream: str | None = None) -> Recording:
    """Open a recording or a trial of a corpus, or make a simulated participant of the benchmark."""
    if isinstance(source, SimulatedSource):
        from ..simulate import simulate

        return simulate(source.seed, source.duration_s)
    if isinstance(source, TrialSource):
        from ..datasets.open_affect import read_affect, trial_named

        corpus = read_affect(source.root, source.corpus)
        return corpus.load(trial_named(corpus, source.trial))
    from ..recordings.open import open_recording

    return open_recording(source, eeg=eeg_stream)


def _replay(parent: Parent, source: ReplaySource, options: ReplayOptions) -> None:
    sys.setswitchinterval(_SWITCH_S)
    configure_liblsl(options.lsl, pylsl.set_config_content)
    published = publish(open_source(source, options.eeg_stream), options, _ParentControl(parent))
    parent.send({"published": asdict(published)})


def _message_of(command: Command) -> Message:
    match command:
        case Seek(to_s):
            return {"seek": to_s}
        case SetSpeed(speed):
            return {"speed": speed}
        case Pause():
            return {"pause": True}
        case Resume():
            return {"resume": True}
        case Toggle():
            return {"toggle": True}


def _command_of(message: Message) -> Command:
    match message:
        case {"seek": to_s}:
            return Seek(to_s)
        case {"speed": speed}:
            return SetSpeed(speed)
        case {"pause": _}:
            return Pause()
        case {"resume": _}:
            return Resume()
        case _:
            return Toggle()


class _ParentControl:
    """The parent as what steers a replay."""

    def __init__(self, parent: Parent) -> None:
        self._parent = parent

    def stopped(self) -> bool:
        """Return whether the parent asked to stop, or is gone."""
        return self._parent.ended.is_set()

    def commands(self) -> list[Command]:
        """Return what came since the last time."""
        commands = []
        while (message := self._parent.receive()) is not None:
            commands.append(_command_of(message))
        return commands

    def report(self, news: Ready | Started | CommandResult) -> None:
        """Send how it goes."""
        match news:
            case Ready(names):
                self._parent.send({"ready": names})
            case Started(start_s):
                self._parent.send({"started": start_s})
            case CommandResult():
                self._parent.send({"result": asdict(news)})
