"""Child processes: start, messages in JSON, supervision and end; and pools of workers.

Imports nothing of the project, so that every room may use it.
"""

import contextlib
import json
import logging
import multiprocessing
import os
import queue
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeAlias, TypeVar

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext, SpawnContext

Task = TypeVar("Task")
Result = TypeVar("Result")

_log = logging.getLogger(__name__)
_POLL_S = 0.1
_EXIT_S = 5.0
_ORPHAN_S = 60.0  # what an engine needs to close its recording, several times over
_END = "end"
_UMASK = 0o077  # what a child writes is of a person: for this user alone

Message: TypeAlias = dict[str, Any]
"""A JSON object. ``{"end": true}`` asks a child to end; ``{"error": line, "status": n}`` is what ended one."""


@contextmanager
def hold_interrupts() -> Iterator[None]:
    """Start children that do not receive Ctrl+C, which a terminal sends to all: this process ends them in order.

    Interrupts are held back meanwhile, which children inherit (not on Windows); one that comes is raised at the end of
    the block, so that what is started inside has to be entered into a context manager inside.
    """
    held: list[int] = []
    masked = hasattr(signal, "pthread_sigmask")
    if masked:
        resource_tracker.ensure_running()  # its start lets interrupts through again
    # A thread of a numerical library may still take the signal, and Python then passes it to the main thread.
    handler = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    if masked:
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        if masked:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        signal.signal(signal.SIGINT, handler)
        if held:
            signal.raise_signal(signal.SIGINT)


class ChildError(Exception):
    """A child failed: its own line, or how it ended.

    Attributes
    ----------
    exit_status : int
    """

    def __init__(self, line: str, exit_status: int = 1) -> None:
        super().__init__(line)
        self.exit_status = exit_status


class Child:
    """A spawned process; use as a context manager, or call :meth:`end`.

    Parameters
    ----------
    name : str
        For messages and process lists.
    target : callable
        A function of a module, called as ``target(parent, *args)`` in the child; see :class:`Parent`. An exception with
        an ``exit_status`` ends the child with that status and reaches this process as its line.
    args : anything that crosses to a spawned process
    daemon : bool
        Whether it is killed where this process ends without :meth:`end`; such a child starts no process by
        :mod:`multiprocessing`.
    failure : callable
        Makes the exception of a line and an exit status.
    advice : str
        What to do when it dies.
    plain : bool
        For bulk data: the child is called as ``target(pipe, *args)`` with its end of the pipe itself, and this process
        reads and writes :attr:`pipe`. The pipe reads as ended once this process is gone.
    shared : str or None
        A module of libraries that all children naming it have in memory once: it is imported by a process without
        threads, which the system copies for each child, page by page as they write. The first child of this process
        that names one decides which. Where the system has no such start, each child has its own.

    Attributes
    ----------
    pipe : Connection
        This process's end.
    latest : dict
        The newest value of every key of the messages read so far.
    """

    def __init__(
        self,
        name: str,
        target: Callable[..., None],
        *args: Any,
        daemon: bool = True,
        failure: Callable[[str, int], Exception] = ChildError,
        advice: str = "start it again",
        plain: bool = False,
        shared: str | None = None,
    ) -> None:
        self.latest: Message = {}
        self._name = name
        self._make_failure = failure
        self._advice = advice
        self._plain = plain
        self._failure: Exception | None = None
        self._unread: deque[Message] = deque()
        self._closed = False
        self._sending = threading.Lock()
        context = _context(shared)
        self.pipe: Connection[Any, Any]
        self.pipe, theirs = context.Pipe()
        run = _run_plainly if plain else _run
        self._process = context.Process(target=run, args=(name, target, args, theirs), name=name, daemon=daemon)
        self._process.start()
        theirs.close()  # as long as this process held it, its end would not be seen

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._process.pid

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._process.is_alive()

    @property
    def exit_status(self) -> int | None:
        """Exit status; None while running."""
        return self._process.exitcode

    @property
    def error(self) -> str | None:
        """Error line; None while running or after a normal end."""
        self._read(0.0)
        return None if self._failure is None else str(self._failure)

    def join(self, timeout_s: float) -> None:
        """Wait for its end."""
        self._process.join(timeout_s)

    def send(self, message: Message) -> None:
        """Send it a message, from any thread; nothing happens where it is gone."""
        with self._sending, contextlib.suppress(OSError):
            self.pipe.send_bytes(json.dumps(message).encode())

    def ask_to_end(self) -> None:
        """Request its end."""
        self.send({_END: True})

    def receive(self, timeout_s: float) -> Message | None:
        """Return its next message, or None where none comes within a time.

        Raises
        ------
        Exception
            Made by ``failure``: its own line, or it died.
        """
        deadline_s = time.monotonic() + timeout_s
        while not self._unread:
            self._raise_failure()
            left_s = deadline_s - time.monotonic()
            self._read(max(0.0, min(left_s, _POLL_S)))
            if not self._unread and (self._closed or left_s <= 0):
                self._raise_failure()
                return None
        return self._unread.popleft()

    def wait_for(self, key: str, timeout_s: float | None = None) -> Any:
        """Wait for a message with a key and return its value; one that came before is returned at once.

        Raises
        ------
        Exception
            Made by ``failure``: its own line, it died, or took longer.
        """
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        while key not in self.latest:
            self._read(_POLL_S)
            if key in self.latest:
                break
            self._raise_failure()
            if self._closed:
                raise self._make_failure(f"the {self._name} ended before it was {key}; {self._advice}", 1)
            if deadline_s is not None and time.monotonic() > deadline_s:
                raise self._make_failure(f"the {self._name} was not {key} within {timeout_s:g} s; give it longer", 1)
        return self.latest[key]

    def take(self, key: str) -> Any:
        """Return the newest value of a key of the messages that have come; None without one."""
        self._read(0.0)
        return self.latest.get(key)

    def end(self, grace_s: float = 10.0) -> None:
        """Request its end, wait, kill it if it still runs, and close the pipe if no other thread uses it.

        Messages are read meanwhile: a child whose messages nobody takes may not be able to end.

        Parameters
        ----------
        grace_s : float
            0 kills it at once.
        """
        if grace_s > 0:
            self.ask_to_end()
        deadline_s = time.monotonic() + grace_s
        while self.running and time.monotonic() < deadline_s:
            self._read(_POLL_S)
            self.join(0.0 if not self._closed else _POLL_S)
        self._read(0.0)
        if self.running:
            self._process.kill()
        self._process.join()
        if not self._plain:  # another thread may be writing; it gets a broken pipe
            with self._sending:
                self.pipe.close()
        self._closed = True

    def _read(self, wait_s: float) -> None:
        """Read the messages that came, after a wait at most."""
        if self._closed:
            return
        try:
            while self.pipe.poll(wait_s):
                message: Message = json.loads(self.pipe.recv_bytes())
                wait_s = 0.0
                if "error" in message:
                    self._failure = self._make_failure(str(message["error"]), int(message.get("status", 1)))
                else:
                    self._unread.append(message)
                    self.latest.update(message)
        except (EOFError, OSError):
            self._closed = True
            self.join(_EXIT_S)
            if self._failure is None and self.exit_status != 0:
                line = f"the {self._name} died (exit status {self.exit_status}); {self._advice}"
                self._failure = self._make_failure(line, 1)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def _context(shared: str | None) -> "SpawnContext | ForkServerContext":
    """Return how children start: anew, or as copies of a process that has imported what they share."""
    if shared is None or "forkserver" not in multiprocessing.get_all_start_methods() or sys.platform == "darwin":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([shared])
    return context


class ChildHandle:
    """A child process that sends ``ready``, with the methods of its purpose added; use as a context manager.

    Parameters
    ----------
    child : Child
    grace_s : float
        How long it may take to end.
    """

    def __init__(self, child: Child, grace_s: float) -> None:
        self._child = child
        self._grace_s = grace_s

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """Process id."""
        return self._child.pid

    @property
    def running(self) -> bool:
        """Whether the process is running."""
        return self._child.running

    @property
    def error(self) -> str | None:
        """The line that ended the child; None while running or after a normal end."""
        return self._child.error

    def stop(self) -> None:
        """End the child and wait for its end; one that does not end, or was not ready yet, is killed."""
        self._child.end(self._grace_s if "ready" in self._child.latest else 0.0)


class Parent:
    """The parent of a child process, seen from the child.

    Attributes
    ----------
    ended : threading.Event
        Set once the parent asks for the end, or is gone. A child that goes on for a minute after its parent is killed.
    """

    def __init__(self, pipe: "Connection[Any, Any]") -> None:
        self.ended = threading.Event()
        self._pipe = pipe
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        threading.Thread(target=self._listen, name="parent", daemon=True).start()

    def send(self, message: Message) -> None:
        """Send a message; nothing happens where the parent is gone."""
        with contextlib.suppress(OSError):
            self._pipe.send_bytes(json.dumps(message).encode())

    def receive(self, timeout_s: float = 0.0) -> Message | None:
        """Return the next message; None where none comes within a time or the end was asked for."""
        try:
            return self._messages.get(timeout_s > 0, timeout_s or None)
        except queue.Empty:
            return None

    def _listen(self) -> None:
        gone = False
        try:
            while _END not in (message := json.loads(self._pipe.recv_bytes())):
                self._messages.put(message)
        except (EOFError, OSError):
            gone = True
        self.ended.set()
        self._messages.put(None)
        if gone:
            time.sleep(_ORPHAN_S)
            os._exit(1)


def _run(name: str, target: Callable[..., None], args: tuple[Any, ...], pipe: "Connection[Any, Any]") -> None:
    parent = Parent(pipe)
    _call(name, lambda: target(parent, *args), parent)


def _run_plainly(name: str, target: Callable[..., None], args: tuple[Any, ...], pipe: "Connection[Any, Any]") -> None:
    _call(name, lambda: target(pipe, *args), None)


def _call(name: str, work: Callable[[], None], parent: Parent | None) -> None:
    """Do a child's work and end the process with its status."""
    # A terminal sends Ctrl+C to every process; when to end is for the parent to decide.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.umask(_UMASK)
    status = 0
    try:
        work()
    except Exception as error:
        status = getattr(error, "exit_status", 0)
        line = str(error)
        if not status:
            _log.exception("%s", name)
            status, line = 1, f"the {name} failed: {type(error).__name__}: {error}"
        if parent is not None:
            parent.send({"error": line, "status": status})
    logging.shutdown()
    sys.exit(status)


def in_workers(function: Callable[[Task], Result], tasks: Iterable[Task], workers: int) -> Iterator[Result]:
    """Apply a function to each task in worker processes and yield the results in order.

    The workers use one thread each for numerical libraries. They end with this process, however it ends, and when the
    iterator is exhausted or closed. Inside a :func:`joblib.parallel_config` of another backend than loky, such as Dask,
    the tasks go to the workers of that backend, as many as it has; they are left running.

    Parameters
    ----------
    function : callable
        Of a module, so that it can be pickled.
    tasks : iterable
    workers : int
        Number of processes; 1 computes in this one, and so does a single task.
    """
    tasks = list(tasks)
    if workers == 1 or len(tasks) < 2:
        yield from map(function, tasks)
        return
    from joblib import Parallel, delayed, parallel_config
    from joblib.externals.loky import get_reusable_executor
    from joblib.parallel import BACKENDS, get_active_backend

    if type(get_active_backend()[0]) is not BACKENDS["loky"]:
        yield from Parallel(return_as="generator")(delayed(function)(task) for task in tasks)
        return
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

    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(parent).wait()
    os._exit(1)
