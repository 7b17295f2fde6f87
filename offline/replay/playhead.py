"""Position of a replay and its commands: pause, resume, seek, speed. Pure functions on a frozen state.

Wherever the recording's time jumps (after a pause, a seek, a change of speed, at the seam of a loop) the stamps on the
LSL clock have a hole of at least :data:`HOLE_S`, so that consumers see a gap.
"""

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from ...configs.schema.errors import MoodringError
from ...models.contract import TimeArray

HOLE_S = 0.3
SLOWEST, FASTEST = 0.1, 100.0
HELP = "pause, resume, seek SECONDS, speed FACTOR; Enter alone pauses and goes on"


@dataclass(frozen=True)
class Pause:
    """Stop at the present position."""


@dataclass(frozen=True)
class Resume:
    """Continue after a pause."""


@dataclass(frozen=True)
class Toggle:
    """Pause or continue."""


@dataclass(frozen=True)
class Seek:
    """Continue at a time in seconds from the recording's t0."""

    to_s: float


@dataclass(frozen=True)
class SetSpeed:
    """Change the speed; 1 is real time."""

    speed: float


Command: TypeAlias = Pause | Resume | Toggle | Seek | SetSpeed


@dataclass(frozen=True)
class CommandResult:
    """State of the replay after a command.

    Attributes
    ----------
    position_s : float
        In seconds from the recording's t0.
    speed : float
    playing : bool
    refused : str or None
        Why the command was refused.
    """

    position_s: float
    speed: float
    playing: bool
    refused: str | None = None

    def __str__(self) -> str:
        """Return it as a line of text."""
        if self.refused is not None:
            return self.refused
        return f"{'playing' if self.playing else 'paused'} at {self.position_s:.1f} s, speed {self.speed:g}"


@dataclass(frozen=True)
class Playhead:
    """Mapping of the recording's clock to LSL's.

    Attributes
    ----------
    position_s : float
        On the recording's clock.
    moment_s : float
        LSL time at which that position is played; in a pause, at which it was reached.
    speed : float
    playing : bool
    """

    position_s: float
    moment_s: float
    speed: float
    playing: bool = True

    def lsl_time(self, stamp_s: float) -> float:
        """Return the LSL time of a stamp of the recording."""
        return float(self.lsl_times(np.array([stamp_s]))[0])

    def lsl_times(self, stamps_s: TimeArray) -> TimeArray:
        """Return the LSL times of several moments."""
        if self.speed == 1.0:
            # One addition of one constant: distances between stamps stay what they were.
            return stamps_s + (self.moment_s - self.position_s)
        return (stamps_s - self.position_s) / self.speed + self.moment_s

    def position_at(self, now_s: float) -> float:
        """Return the recording's time at an LSL time."""
        played_s = max(0.0, now_s - self.moment_s) if self.playing else 0.0
        return self.position_s + played_s * self.speed

    def t0_lsl_s(self, t0_s: float, now_s: float) -> float:
        """Return the LSL time of the recording's t0, extrapolated from the part that is playing."""
        return self.lsl_time(t0_s) if self.playing else now_s - (self.position_s - t0_s) / self.speed


@dataclass(frozen=True)
class PlayableSpan:
    """Start, end and t0 of what can be played, on the recording's clock."""

    t0_s: float
    first_s: float
    end_s: float


def checked_speed(speed: float) -> float:
    """Return a speed if it is within 0.1 to 100.

    Raises
    ------
    MoodringError
        It is not.
    """
    if not SLOWEST <= speed <= FASTEST:
        raise MoodringError(f"replay speed {speed:g} is outside {SLOWEST:g}..{FASTEST:g}; 1 is real time")
    return speed


def apply_command(head: Playhead, command: Command, span: PlayableSpan, now_s: float, unsent_s: float) -> Playhead:
    """Return the playhead after a command.

    Parameters
    ----------
    head : Playhead
    command : Command
    span : PlayableSpan
    now_s : float
        On the LSL clock.
    unsent_s : float
        First stamp that was not sent, on the recording's clock: samples wait for the rest of their chunk, and must
        not be stamped before those already sent.

    Raises
    ------
    MoodringError
        A time outside the recording, or a speed outside the bounds.
    """
    position_s = min(head.position_at(now_s), unsent_s)
    if isinstance(command, Toggle):
        command = Pause() if head.playing else Resume()
    if isinstance(command, Pause):
        return Playhead(position_s, now_s, head.speed, playing=False) if head.playing else head
    if isinstance(command, Resume):
        return head if head.playing else replace(head, moment_s=max(now_s, head.moment_s + HOLE_S), playing=True)
    if isinstance(command, SetSpeed):
        position_s = position_s if head.playing else head.position_s
        return _jumped(head, position_s, now_s, checked_speed(command.speed))
    to_s = span.t0_s + command.to_s
    if not span.first_s <= to_s < span.end_s:
        raise MoodringError(
            f"seek {command.to_s:g} is outside the recording, which goes from {span.first_s - span.t0_s:.1f} to "
            f"{span.end_s - span.t0_s:.1f} s"
        )
    return _jumped(head, to_s, now_s, head.speed)


def restarted(head: Playhead, begin_s: float, end_s: float) -> Playhead:
    """Return the playhead of the next repetition, after the end has been played."""
    return Playhead(begin_s, head.lsl_time(end_s) + HOLE_S, head.speed)


def parse_command(line: str) -> Command:
    """Return the command of a typed line; see :data:`HELP`.

    Raises
    ------
    MoodringError
        The line is no command.
    """
    words = line.lower().split()
    plain: dict[tuple[str, ...], Command] = {
        (): Toggle(),
        ("p",): Toggle(),
        ("pause",): Pause(),
        ("resume",): Resume(),
        ("play",): Resume(),
    }
    if tuple(words) in plain:
        return plain[tuple(words)]
    try:
        word, number = words[0], float(words[1]) if len(words) == 2 else float("nan")
    except ValueError:
        number = float("nan")
    if np.isfinite(number) and word in ("seek", "speed"):
        return Seek(number) if word == "seek" else SetSpeed(number)
    raise MoodringError(f"'{line.strip()[:40]}' is not understood; expected {HELP}")


def _jumped(head: Playhead, position_s: float, now_s: float, speed: float) -> Playhead:
    """Return the playhead after a jump; in a pause ``moment_s`` stays, so that the pause's hole is kept."""
    return Playhead(position_s, now_s + HOLE_S if head.playing else head.moment_s, speed, head.playing)
