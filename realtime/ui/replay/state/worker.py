"""Reading in a thread of its own, so that the window never waits; of several wishes only the newest is fulfilled."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Read = TypeVar("Read")


class Worker(Generic[Read]):
    """Does the newest of the jobs that it is given; those that wait behind a newer one are dropped.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._changed = threading.Condition()
        self._job: Callable[[], Read] | None = None
        self._busy = False
        self._done: list[Read | Exception] = []
        self._closing = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    @property
    def idle(self) -> bool:
        """Whether nothing is left to do or to take."""
        with self._changed:
            return self._job is None and not self._busy and not self._done

    @property
    def free(self) -> bool:
        """Whether it has nothing to do; what it did may wait to be taken."""
        with self._changed:
            return self._job is None and not self._busy

    def ask(self, job: Callable[[], Read]) -> None:
        """Queue a job, in the place of one that has not begun."""
        with self._changed:
            self._job = job
            self._changed.notify_all()

    def take(self) -> Read | Exception | None:
        """Return the newest result, or what a job has raised; None where nothing is new."""
        with self._changed:
            done, self._done = self._done, []
        return done[-1] if done else None

    def close(self) -> None:
        """End the thread after the job that it does."""
        with self._changed:
            self._closing, self._job = True, None
            self._changed.notify_all()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                while (job := self._job) is None:
                    if self._closing:
                        return
                    self._changed.wait()
                self._job, self._busy = None, True
            try:
                result: Read | Exception = job()
            except Exception as error:  # whatever it is, the window shows its line
                result = error
            with self._changed:
                self._busy = False
                self._done.append(result)
