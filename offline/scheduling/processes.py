"""Parts computed by several processes of this machine."""

import os
from collections.abc import Iterator, Sequence
from typing import Any

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from .work import Ended, Failure, Report, Work, attempted

_TRIES = 2


class Processes:
    """Computes parts in processes of this machine, several at once.

    Large arrays that parts share lie in one file that all
    processes map. A process that is killed costs the parts under way, which are tried once more.

    Parameters
    ----------
    count : int
    """

    def __init__(self, count: int) -> None:
        self._count = count

    def run(self, parts: Sequence[Work], report: Report) -> Iterator[Ended]:
        """Yield each part as it ends."""
        left = dict(enumerate(parts))
        for attempt in range(_TRIES):
            if not left:
                return
            try:
                for ended in self._once(dict(left)):
                    del left[ended.place]
                    yield ended
            except TerminatedWorkerError:
                if attempt + 1 < _TRIES:
                    report(f"a process was killed; {len(left)} parts are computed again")
        for place in left:
            yield Ended(place, Failure("the process that computed it was killed, twice; is there memory enough?"))

    def _once(self, parts: dict[int, Work]) -> Iterator[Ended]:
        given = Parallel(n_jobs=self._count, return_as="generator_unordered", pre_dispatch="all", batch_size=1)
        calls = (delayed(_computed)(place, one.compute, one.data, one.arguments) for place, one in parts.items())
        yield from given(calls)


def _computed(place: int, compute: Any, data: Any, arguments: tuple[Any, ...]) -> Ended:
    return Ended(place, attempted(compute, data, arguments, f"process {os.getpid()}"))
