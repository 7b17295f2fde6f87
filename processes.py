"""Child processes of this one: started the same way everywhere, heard through a pipe, and never left behind.

Imports nothing of the project, so that every room may use it.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


@contextmanager
def children_leave_interrupts_to_us() -> Iterator[None]:
    """Start children that do not hear Ctrl+C, which a terminal sends to all: this process ends them in order.

    Interrupts are held back meanwhile, which children inherit (not on Windows); one that comes is heard at the end of
    the block, so that what is started inside has to be taken in charge inside.
    """
    held_back: list[int] = []
    masked = hasattr(signal, "pthread_sigmask")
    if masked:
        resource_tracker.ensure_running()  # its start lets interrupts through again
    # A thread of a numerical library may still take the signal, and Python then passes it to the main thread.
    handler = signal.signal(signal.SIGINT, lambda number, _frame: held_back.append(number))
    if masked:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if masked:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if held_back:
            signal.raise_signal(signal.SIGINT)


class Child:
    """A spawned process and our end of the pipe to it.

    Parameters
    ----------
    name : str
    target : callable
        A function of a module. Its last argument is its end of the pipe, which reads as ended once this process is gone.
    args : anything that crosses to a spawned process
        Its other arguments.
    daemon : bool
        Whether it is killed where this process ends without :meth:`end`; such a child starts no process by
        :mod:`multiprocessing`.
    """

    def __init__(self, name: str, target: Callable[..., None], *args: Any, daemon: bool = True) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe: Connection[Any, Any]
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=target, args=(*args, theirs), name=name, daemon=daemon)
        self._process.start()
        theirs.close()  # as long as we held it, its end would not be seen

    @property
    def pid(self) -> int | None:
        """Its process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether it lives."""
        return self._process.is_alive()

    @property
    def exit_status(self) -> int | None:
        """What it ended with; None while it lives."""
        return self._process.exitcode

    def join(self, timeout_s: float) -> None:
        """Wait for its end."""
        self._process.join(timeout_s)

    def end(self, grace_s: float, listen: Callable[[float], None] | None = None) -> None:
        """Wait a while for its end, kill it where it does not come, and close the pipe.

        Parameters
        ----------
        grace_s : float
            0 kills it at once.
        listen : callable
            Reads for so many seconds what it still says: a child whose words nobody takes may not be able to end.
        """
        deadline_s = time.monotonic() + grace_s
        while self.running and time.monotonic() < deadline_s:
            (listen or self.join)(0.05)
        if self.running:
            self._process.kill()
        self._process.join()
        self.pipe.close()


def in_workers(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """Apply a function to each task in worker processes and yield the results in order.

    The workers use one thread each for numerical libraries. They end with this process, however it ends, and when the
    iterator is exhausted or closed.

    Parameters
    ----------
    function : callable
        Of a module, so that it can be pickled.
    tasks : iterable
    workers : int
        Number of processes; 1 computes in this one.
    """
    if workers == 1:
        yield from map(function, tasks)
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky import get_reusable_executor

    begin = {"initializer": _begin_worker, "initargs": (os.getpid(),)}
    with parallel_config("loky", n_jobs=workers, inner_max_num_threads=1, **begin):
        parallel = Parallel(return_as="generator")
    try:
        yield from parallel(delayed(function)(task) for task in tasks)
    finally:
        get_reusable_executor().shutdown(wait=True, kill_workers=True)


def _begin_worker(parent: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    threading.Thread(target=_end_after, args=(parent,), name="parent", daemon=True).start()


def _end_after(parent: int) -> None:
    """End this process once another one is gone: a worker whose parent was killed would wait for tasks for ever."""
    import psutil

    with suppress(psutil.NoSuchProcess):
        psutil.Process(parent).wait()
    os._exit(1)
