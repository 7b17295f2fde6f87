"""Parts of a computation: each is found again where it was kept, else computed by a scheduler and kept as it ends."""

import hashlib
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from threadpoolctl import threadpool_limits

from ...configs.schema.errors import MoodringError
from ...models.io.files import PRIVATE_FILE, atomic_write

Report = Callable[[str], None]


@dataclass(frozen=True)
class Work:
    """One part, such as a fold.

    Attributes
    ----------
    name : str
        As it is reported.
    path : Path
        Where its result is kept; its name says all that the result depends on.
    compute : callable
        ``compute(data, *arguments)`` returns the result. A function of a module, so that another process finds it.
    data : object
        What several parts share, such as all recordings: sent to each process once.
    arguments : tuple
        Small.
    """

    name: str
    path: Path
    compute: Callable[..., Any]
    data: Any
    arguments: tuple[Any, ...] = ()

    def result(self) -> Any:
        """Compute the part here."""
        return self.compute(self.data, *self.arguments)


@dataclass(frozen=True)
class Failure:
    """Why a part has no result.

    Attributes
    ----------
    reason : str
        One line.
    log : str
        The traceback, where there is one.
    where : str
        The process or machine.
    """

    reason: str
    log: str = ""
    where: str = "here"


@dataclass(frozen=True)
class Ended:
    """A part that has ended, by its place among those given to the scheduler, with its result or its failure."""

    place: int
    result: Any


class Scheduler(Protocol):
    """Computes parts, in any order."""

    def run(self, parts: Sequence[Work], report: Report) -> Iterator[Ended]:
        """Yield each part as it ends; a part that fails ends with a :class:`Failure`."""
        ...


class Kept(Protocol):
    """How results are kept in files."""

    def read(self, path: Path) -> Any:
        """Return a result that was kept; MoodringError where the file is damaged."""
        ...

    def write(self, file: Any, result: Any) -> None:
        """Write a result to an open binary file."""
        ...


class Serial:
    """Computes one part after another in this process."""

    def run(self, parts: Sequence[Work], report: Report) -> Iterator[Ended]:
        """Yield each part as it ends."""
        del report  # nothing happens that is not told already
        for place, part in enumerate(parts):
            yield Ended(place, attempted(part.compute, part.data, part.arguments))


def attempted(compute: Callable[..., Any], data: Any, arguments: tuple[Any, ...], where: str = "here") -> Any:
    """Return a result, or the failure of a part that raises.

    It computes with one thread, unless it asks for more itself: the same everywhere, so that results are the same.
    """
    try:
        with threadpool_limits(1):
            return compute(data, *arguments)
    except Exception as error:
        # Whatever a part raises, the others go on.
        reason = str(error) if isinstance(error, MoodringError) else f"{type(error).__name__}: {error}"
        return Failure(reason, traceback.format_exc(), where)


def finished(parts: Sequence[Work], kept: Kept, scheduler: Scheduler, report: Report) -> list[Any]:
    """Return the results of all parts, in order; those that were kept are read, the others computed and kept.

    Parameters
    ----------
    parts : sequence of Work
    kept : Kept
    scheduler : Scheduler
    report : callable
        Told each part that ends, how many are left and for how long.

    Raises
    ------
    MoodringError
        A part failed, after all others have ended: each is named with its log; or a result cannot be kept or read.
    """
    results: dict[int, Any] = {}
    missing = []
    for place, part in enumerate(parts):
        if part.path.exists():
            results[place] = kept.read(part.path)
        else:
            missing.append(place)
    if results and missing:
        report(f"{len(results)} of {len(parts)} parts were kept")
    failures: list[tuple[Work, Failure]] = []
    progress = _Progress(len(missing), report)
    for ended in scheduler.run([parts[place] for place in missing], report):
        part = parts[missing[ended.place]]
        if isinstance(ended.result, Failure):
            failures.append((part, ended.result))
            progress.ended(f"{part.name}: FAILED on {ended.result.where}: {ended.result.reason}")
            continue
        _keep(part.path, ended.result, kept)
        results[missing[ended.place]] = ended.result
        progress.ended(part.name)
    if failures:
        raise MoodringError(_told(failures, len(parts)))
    return [results[place] for place in range(len(parts))]


@cache
def fingerprint() -> str:
    """Return what must agree between machines for equal results: the package's source and the numerical libraries."""
    root = Path(__file__).parents[2]
    found = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root)
        if inside.parts[0] in ("models", "offline", "configs"):
            found.update(str(inside).encode() + b"\0" + path.read_bytes())
    libraries = ", ".join(f"{name} {version(name)}" for name in ("numpy", "torch", "scikit-learn"))
    return f"{found.hexdigest()[:16]}, {libraries}"


def _keep(path: Path, result: Any, kept: Kept) -> None:
    try:
        with atomic_write(path, mode=PRIVATE_FILE) as file:
            kept.write(file, result)
    except OSError as error:
        raise MoodringError(f"result '{path}' cannot be written: {error.strerror}; set cache=FOLDER") from None


def _told(failures: Sequence[tuple[Work, Failure]], count: int) -> str:
    """Write the logs and return the message."""
    lines = []
    for part, failure in failures:
        log = part.path.with_suffix(".log")
        try:
            with atomic_write(log, mode=PRIVATE_FILE) as file:
                file.write(f"{part.name}, on {failure.where}\n{failure.reason}\n\n{failure.log}".encode())
            lines.append(f"{part.name} ({failure.reason}; log: {log})")
        except OSError:
            lines.append(f"{part.name} ({failure.reason})")
    return (
        f"{len(failures)} of {count} parts failed: {'; '.join(lines)}; the others are kept, and the same command "
        "computes only what is missing"
    )


class _Progress:
    """Tells what has ended, and how long the rest takes at the pace so far."""

    def __init__(self, count: int, report: Report) -> None:
        self._count, self._report, self._ended = count, report, 0
        self._began_s = time.monotonic()

    def ended(self, what: str) -> None:
        self._ended += 1
        took_s = time.monotonic() - self._began_s
        left = self._count - self._ended
        rest = f"; {left} left, about {took_s / self._ended * left:.0f} s" if left else ""
        self._report(f"{what} ({took_s:.0f} s{rest})")
