"""Marks of a session: those of the experimenter, sent on an LSL marker stream, and those of streams, for screens."""

import threading
from collections import deque

import pylsl

from ...configs.schema.live import LiveConfig
from ...configs.schema.session_folder import MARKS_SUFFIX
from ..ipc.snapshot import Mark
from .lsl_outlet import source_id

_KEPT = 200


class Marks:
    """Keeps the newest marks for screens, and sends those of the experimenter.

    Parameters
    ----------
    config : LiveConfig
        Names the outlet, and whether there is one.
    """

    def __init__(self, config: LiveConfig) -> None:
        self._config = config
        self._marks: deque[Mark] = deque(maxlen=_KEPT)
        self._lock = threading.Lock()
        self._outlet: pylsl.StreamOutlet | None = None

    @property
    def newest(self) -> tuple[Mark, ...]:
        """The newest marks, in the order of their times."""
        with self._lock:
            return tuple(sorted(self._marks, key=lambda mark: mark.time_s))

    def open_outlet(self) -> None:
        """Open the stream of marks where the config enables outlets."""
        if not self._config.outlet.enabled:
            return
        name = f"{self._config.outlet.name}{MARKS_SUFFIX}"
        info = pylsl.StreamInfo(
            name, "Markers", 1, pylsl.IRREGULAR_RATE, pylsl.cf_string, source_id(name, self._config.name)
        )
        self._outlet = pylsl.StreamOutlet(info)

    def add(self, mark: Mark, *, send: bool) -> bool:
        """Keep a mark; ``send`` it where it is the experimenter's own, but the very same one not twice.

        Returns
        -------
        bool
            Whether it was a new one.
        """
        with self._lock:
            if send and mark in self._marks:
                return False
            self._marks.append(mark)
            if send and self._outlet is not None:
                self._outlet.push_sample([mark.text], mark.time_s)
        return True

    def see(self, time_s: float, text: str) -> None:
        """Keep what came on a marker stream."""
        self.add(Mark(time_s, "marker", text), send=False)

    def close(self) -> None:
        """Close the stream."""
        with self._lock:
            self._outlet = None
