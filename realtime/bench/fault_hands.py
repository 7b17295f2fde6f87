"""The hands that make faults: each owns the process behind one modality_input, and every deed of a script is a method."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import psutil

from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LslSection
from ...processes import Child
from .fault_camera import serve_pictures
from .fault_screen import watch_engine
from .fault_streams import StreamSpec, serve

_START_S = 30.0
CAMERA_RATE_HZ = 25.0


class ProcessHand:
    """Starts, kills, pauses and continues one process that serves.

    Parameters
    ----------
    target : callable
        Given its arguments and then a connection, through which it says when it is there.
    arguments : tuple
    """

    def __init__(self, target: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self._target = target
        self._arguments = arguments
        self._child: Child | None = None
        self.said: Any = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Begin, and wait until it is there."""
        self._child = Child("source", self._target, *self._arguments)
        self.said = self._answer(self._child)

    def kill(self) -> None:
        """Let it die at once; nothing happens where it is dead."""
        if self._child is not None:
            self._child.end(0.0)
            self._child = None

    def pause(self) -> None:
        """Stop it where it is: SIGSTOP, or what the system has for it."""
        if self._child is not None:
            psutil.Process(self._child.pid).suspend()

    def go_on(self) -> None:
        """Let it go on."""
        if self._child is not None:
            psutil.Process(self._child.pid).resume()

    def wait(self) -> None:
        """Do nothing: what was ordered for a time is over by itself."""

    def _order(self, do: str, figure: float) -> None:
        if self._child is None:
            raise ValueError("a process that is dead takes no orders")
        self._child.pipe.send_bytes(json.dumps([do, figure]).encode())
        self._answer(self._child)

    def _answer(self, child: Child) -> Any:
        if not child.pipe.poll(_START_S):
            raise MoodringError(f"a source's process said nothing within {_START_S:g} s; the machine is too busy")
        return json.loads(child.pipe.recv_bytes())


class StreamHand(ProcessHand):
    """An LSL stream."""

    def __init__(self, lsl: LslSection, spec: StreamSpec) -> None:
        super().__init__(serve, (lsl, spec))
        self._lsl = lsl
        self._spec = spec
        self._twins: list[StreamHand] = []

    def start(self, channels: float | None = None) -> None:
        """Begin, with another number of channels where one is given."""
        spec = self._spec if channels is None else replace(self._spec, channels=int(channels))
        self._arguments = (self._lsl, spec)
        super().start()

    def hold(self, for_s: float) -> None:
        """Hold samples back for a while, then send them at once."""
        self._order("hold", for_s)

    def halve(self, for_s: float) -> None:
        """Send every other sample only, for a while."""
        self._order("halve", for_s)

    def flood(self, for_s: float) -> None:
        """Send NaN for a while."""
        self._order("flood", for_s)

    def jump(self, by_s: float) -> None:
        """Set the device's clock anew."""
        self._order("jump", by_s)

    def drift(self, ppm: float) -> None:
        """Let the device's clock run fast from now on."""
        self._order("drift", ppm)

    def double(self) -> None:
        """Start two other streams of the same name."""
        for number in (1, 2):
            twin = StreamHand(self._lsl, replace(self._spec, source_id=f"twin-{number}"))
            twin.start()
            self._twins.append(twin)

    def single(self) -> None:
        """Leave one of them only."""
        self._twins.pop().kill()

    def kill(self) -> None:
        """Let it die at once; its twins live on while a script needs them."""
        super().kill()

    def __exit__(self, *_: object) -> None:
        for twin in self._twins:
            twin.kill()
        self.kill()

    def _order(self, do: str, figure: float) -> None:
        # After a doubling it is the twin that speaks.
        if self._child is None and self._twins:
            self._twins[0]._order(do, figure)
        else:
            super()._order(do, figure)


class CameraHand(ProcessHand):
    """A network camera; it comes back under the address it had."""

    def __init__(self, jpegs: tuple[bytes, ...]) -> None:
        super().__init__(serve_pictures, (0, jpegs, CAMERA_RATE_HZ))

    def start(self) -> None:
        """Begin."""
        super().start()
        self._arguments = (self.said, *self._arguments[1:])

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.said}/video.mjpg"


class ScreenHand(ProcessHand):
    """A terminal dashboard on an engine."""

    def __init__(self, engine: str) -> None:
        super().__init__(watch_engine, (engine,))
