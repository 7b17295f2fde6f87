"""`moodring bench ingest`: age of the newest sample at a reader, and the cost of reading.

Three readers of one stream at the same time, each in its own process: the same chunks, and whatever else the machine
does disturbs all of them alike. A ratio between them is taken within one run.
"""

import importlib.util
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from ...configs.schema.errors import failure_of
from ...configs.schema.liblsl import own_session
from ...configs.schema.live import LslSection
from ...processes import Child, hold_interrupts
from . import readers
from .workload import Load, publish

LOADS = (Load(32, 512.0, 8), Load(128, 2048.0, 32))
SECONDS = 20.0
_START_S = 90.0  # several interpreters start at once on a small machine
_FIGURES = ("p50_ms", "p99_ms", "cpu_s_per_s")


def compare(seconds: float = SECONDS, loads: tuple[Load, ...] = LOADS) -> dict[str, Any]:
    """Measure the bare loop, moodring and mne-lsl on each load.

    Parameters
    ----------
    seconds : float
        Of measuring per load.
    loads : tuple of Load

    Returns
    -------
    dict
        ``{"load": [{"channels", "rate_hz", "floor", "moodring", "mne_lsl"}]}``; each reader gives ``p50_ms``,
        ``p99_ms`` and ``cpu_s_per_s``, and mne_lsl is None where it is not installed.

    Raises
    ------
    MoodringError
        A child fails.
    """
    return {"load": [_compare(load, seconds) for load in loads]}


def stream(name: str, seconds: float, lsl: LslSection, index_channel: int = 0) -> dict[str, Any]:
    """Measure moodring's ingest alone on a stream of the network.

    Returns
    -------
    dict
        ``p50_ms``, ``p99_ms``, ``cpu_s_per_s``, ``lost_samples`` and ``reordered_samples``; the last two None where
        the channel holds no index.

    Raises
    ------
    MoodringError
        The stream is not there, cannot be read, or sends nothing.
    """
    job = readers.ReaderJob(name, seconds, lsl, index_channel)
    with ExitStack() as stack:
        (child,) = _start(stack, [("moodring", readers.moodring, (job,))])
        return _measured([child], seconds)[0]


def _compare(load: Load, seconds: float) -> dict[str, Any]:
    name = f"bench-{uuid.uuid4().hex}"
    lsl = own_session("bench")
    job = readers.ReaderJob(name, seconds, lsl)
    kinds: dict[str, Callable[..., None]] = {"floor": readers.floor, "moodring": readers.moodring}
    if importlib.util.find_spec("mne_lsl") is not None:
        kinds["mne_lsl"] = readers.mne_lsl
    with ExitStack() as stack:
        (source,) = _start(stack, [("load", publish, (load, name, lsl))])
        source.wait_for("ready", _START_S)
        children = _start(stack, [(kind, target, (job,)) for kind, target in kinds.items()])
        readings = dict(zip(kinds, _measured(children, seconds), strict=True))
    figures = {kind: {key: reading[key] for key in _FIGURES} for kind, reading in readings.items()}
    return {"channels": load.channels, "rate_hz": load.rate_hz, "mne_lsl": None, **figures}


def _start(stack: ExitStack, what: list[tuple[str, Callable[..., None], tuple[Any, ...]]]) -> list[Child]:
    with hold_interrupts():
        return [stack.enter_context(Child(name, target, *args, failure=failure_of)) for name, target, args in what]


def _measured(children: list[Child], seconds: float) -> list[dict[str, Any]]:
    """Start all readers at once when the last is ready; return their readings."""
    for child in children:
        child.wait_for("ready", _START_S)
    for child in children:
        child.send({"begin": True})
    return [child.wait_for("measured", seconds + _START_S) for child in children]
