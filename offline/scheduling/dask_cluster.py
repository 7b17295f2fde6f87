"""Parts computed by the workers of a Dask cluster (https://distributed.dask.org)."""

import asyncio
import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Any

from distributed import Client, Future, get_worker
from distributed.comm.core import CommClosedError

from ...configs.schema.errors import ConfigError, MoodringError
from .work import Ended, Failure, Report, Work, attempted, fingerprint

_CONNECT_S = 15.0
_GONE_S = 300.0
_POLL_S = 1.0
_LOST = (CommClosedError, OSError, asyncio.CancelledError, TimeoutError)


class DaskCluster:
    """Computes parts on a cluster that somebody has started.

    Workers of another version of moodring or of the numerical libraries, and workers of several threads, whose random
    numbers would mix, are named and not used. What parts share is sent to each worker once. A worker that dies costs
    the part it was at, which goes to another; a scheduler that dies costs the parts under way, and is waited for.

    Parameters
    ----------
    address : str
        Of the scheduler: ``tcp://HOST:8786``, or ``tls://``.
    gone_s : float
        How long a scheduler or workers that are gone are waited for.

    Raises
    ------
    ConfigError
        Nobody answers there.
    """

    def __init__(self, address: str, gone_s: float = _GONE_S) -> None:
        self._address, self._gone_s = address, gone_s
        try:
            Client(address, timeout=_CONNECT_S, set_as_default=False).close()
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"no Dask scheduler answers at '{address}' ({_line(error)}); start one: dask scheduler"
            ) from None

    def run(self, parts: Sequence[Work], report: Report) -> Iterator[Ended]:
        """Yield each part as it ends.

        Raises
        ------
        MoodringError
            The scheduler, or every worker that may compute, stays away.
        """
        left = dict(enumerate(parts))
        gone_since_s: float | None = None
        while left:
            try:
                with Client(self._address, timeout=_CONNECT_S, set_as_default=False) as client:
                    for ended in _Session(client, left, self._gone_s, report).ended():
                        gone_since_s = None
                        del left[ended.place]
                        yield ended
            except _LOST as error:
                now_s = time.monotonic()
                gone_since_s = now_s if gone_since_s is None else gone_since_s
                if now_s - gone_since_s > self._gone_s:
                    raise MoodringError(
                        f"the Dask scheduler at '{self._address}' has been gone for {self._gone_s:.0f} s "
                        f"({_line(error)}); start it again and repeat the command: what has ended is kept"
                    ) from None
                report(f"the Dask scheduler does not answer; waiting for it ({len(left)} parts left)")
                time.sleep(_POLL_S)


class _Session:
    """One connection to a scheduler: who may compute, and what is under way."""

    def __init__(self, client: Client, left: Mapping[int, Work], gone_s: float, report: Report) -> None:
        self._client, self._left, self._gone_s, self._report = client, dict(left), gone_s, report
        self._agreed = fingerprint()
        self._fit: set[str] = set()
        self._known: set[str] = set()
        self._allowed: frozenset[str] | None = frozenset()
        self._shared: dict[int, Future] = {}
        self._places: dict[Future, int] = {}
        self._done: Queue[Future] = Queue()

    def ended(self) -> Iterator[Ended]:
        idle_since_s = time.monotonic()
        while self._left:
            if self._look_at_workers():
                self._submit()
            if not self._fit:
                if time.monotonic() - idle_since_s > self._gone_s:
                    raise MoodringError(
                        f"for {self._gone_s:.0f} s no worker may compute; start some: dask worker ADDRESS --nthreads 1"
                    )
                time.sleep(_POLL_S)
                continue
            idle_since_s = time.monotonic()
            with suppress(Empty):
                future = self._done.get(timeout=_POLL_S)
                place = self._places.pop(future, None)
                if place is None:
                    continue  # given up since
                result = self._result(future)
                if isinstance(result, _Refused):
                    self._look_again(place)
                    continue
                del self._left[place]
                yield Ended(place, result)

    def _result(self, future: Future) -> Any:
        if future.status == "cancelled":
            raise CommClosedError("the scheduler has lost its parts")
        if future.status == "error":
            error = future.exception()
            return Failure(f"{type(error).__name__}: {_line(error)}", where="the cluster")
        return future.result()

    def _look_at_workers(self) -> bool:
        """Look at workers that have come; return whether who may compute has changed."""
        there = self._client.scheduler_info(n_workers=-1)["workers"]
        if set(there) == self._known:
            return False
        found = self._client.run(fingerprint, workers=list(there), on_error="return") if there else {}
        fit = set()
        for address, about in there.items():
            why = _unfit(found.get(address), self._agreed, about["nthreads"])
            if not why:
                fit.add(address)
            elif address not in self._known:
                self._report(f"worker {address} is not used: {why}")
        self._known, self._fit = set(there), fit
        allowed = None if fit == self._known else frozenset(fit)
        changed, self._allowed = allowed != self._allowed, allowed
        return changed

    def _look_again(self, place: int) -> None:
        """Look at all workers anew, and give the refused part to those that may compute."""
        self._known.clear()
        if not self._look_at_workers():
            self._submit_part(place)

    def _submit(self) -> None:
        """Submit all parts that are left, for the workers that may compute."""
        for future in self._places:
            future.cancel()
        self._places.clear()
        self._shared.clear()
        if not self._fit:
            self._allowed = frozenset()
            return
        self._report(f"{len(self._fit)} workers compute")
        for place in self._left:
            self._submit_part(place)

    def _submit_part(self, place: int) -> None:
        part = self._left[place]
        where = {} if self._allowed is None else {"workers": sorted(self._allowed), "allow_other_workers": False}
        if id(part.data) not in self._shared:
            # A task, not scattered data: the scheduler can make it again when the worker that holds it dies.
            self._report(f"each worker is sent {len(pickle.dumps(part.data)) / 1e6:.1f} MB once")
            self._shared[id(part.data)] = self._client.submit(_same, part.data, pure=False, **where)
        arguments = (self._agreed, part.compute, self._shared[id(part.data)], part.arguments)
        future = self._client.submit(_computed, *arguments, pure=False, **where)
        self._places[future] = place
        future.add_done_callback(self._done.put)


@dataclass(frozen=True)
class _Refused:
    """A worker that came after the others were looked at is of another version."""


def _same(data: Any) -> Any:
    return data


def _computed(agreed: str, compute: Any, data: Any, arguments: tuple[Any, ...]) -> Any:
    if fingerprint() != agreed:
        return _Refused()
    return attempted(compute, data, arguments, str(get_worker().address))


def _unfit(found: Any, agreed: str, threads: int) -> str:
    if isinstance(found, Exception):
        return f"moodring does not run there ({_line(found)})"
    if found != agreed:
        return f"it has another version ({found}), here is {agreed}"
    if threads != 1:
        return f"it has {threads} threads; start it with --nthreads 1 --nworkers {threads}"
    return ""


def _line(error: object) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
