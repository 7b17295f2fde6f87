"""Benchmark of a replay as its consumers receive it: error of the stamps, and when samples arrive."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pylsl

from ...configs.schema.errors import MoodringError
from ...configs.schema.liblsl import configure_liblsl
from ...models.contract import TimeArray
from ...models.io.stream_descriptions import StreamKind
from .process import ReplaySource, open_source, start_replay
from .publish import Published, ReplayOptions, stream_names

_FIND_S = 60.0
_QUIET_S = 1.0
_NEAR_S = 1e-3


@dataclass
class _Received:
    """Samples that one inlet received so far."""

    inlet: pylsl.StreamInlet
    stamps: list[TimeArray] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)


def bench_replay(source: ReplaySource, options: ReplayOptions, seconds: float) -> dict[str, Any]:
    """Replay a recording in a child process, read all of its streams here, and compare.

    Parameters
    ----------
    source : path or simulated participant
    options : ReplayOptions
        Speed, EEG stream and LSL settings are used; what a session decodes is played once, from the start.
    seconds : float
        Longest wall-clock duration.

    Returns
    -------
    dict
        ``duration_s``, ``speed``, ``stamp_error_p99_ms`` (of the worst stream), and for each stream: samples, lost and
        reordered ones; the error of the stamps, as read with liblsl's clock correction, against the recording's
        timeline; the age of the newest sample when it arrived; how late chunks were pushed.

    Raises
    ------
    MoodringError
        The recording cannot be replayed, or no sample arrives.
    """
    configure_liblsl(options.lsl, pylsl.set_config_content)
    recording = open_source(source, options.eeg_stream)
    recorded = {kind: one.stamps_s for kind, one in recording.sources.items()}
    options = replace(options, only=tuple(recorded), start_s=0.0, loop=False)
    began_s = time.monotonic()
    with start_replay(source, options) as replay:
        found = replay.wait_ready(_FIND_S)
        names = {kind: name for kind, name in stream_names(recording, options).items() if name in found}
        received = {kind: _open(names[kind]) for kind in recorded if kind in names}
        start_s = replay.wait_started(_FIND_S)
        begin_s = min(float(stamps_s[0]) for stamps_s in recorded.values())
        wanted = {
            kind: start_s + (stamps_s - begin_s) / options.speed
            for kind, stamps_s in recorded.items()
            if kind in received
        }
        _receive(received, min(start_s + seconds, max(float(stamps_s[-1]) for stamps_s in wanted.values())))
        published = replay.wait(5.0)
    rows = {kind: _row(one, wanted[kind], published, names[kind]) for kind, one in received.items()}
    return {
        "duration_s": round(time.monotonic() - began_s, 1),
        "speed": options.speed,
        "stamp_error_p99_ms": max(row["stamp_error_ms"]["p99"] for row in rows.values()),
        "streams": rows,
    }


def _open(name: str) -> _Received:
    found = pylsl.resolve_byprop("name", name, 1, _FIND_S)
    if not found:
        raise MoodringError(f"stream '{name}' of the replay was not found within {_FIND_S:g} s; see moodring doctor")
    inlet = pylsl.StreamInlet(found[0], max_buflen=10, processing_flags=pylsl.proc_clocksync)
    # In this order: the first pull would wait for the first time correction, and an open stream may start.
    inlet.time_correction(_FIND_S)
    inlet.open_stream(_FIND_S)
    return _Received(inlet)


def _receive(received: dict[StreamKind, _Received], end_s: float) -> None:
    """Read all inlets until shortly after the end."""
    while pylsl.local_clock() < end_s + _QUIET_S:
        for kind, one in received.items():
            _, stamps_s = one.inlet.pull_chunk(0.0, 8 if kind == "face" else 4096, as_numpy=True)
            if len(stamps_s):
                one.stamps.append(np.array(stamps_s))
                one.ages_s.append(pylsl.local_clock() - float(stamps_s[-1]))
        time.sleep(0.002)


def _row(one: _Received, wanted_s: TimeArray, published: Published | None, name: str) -> dict[str, Any]:
    """Return the figures of one stream: what was received against the expected stamps."""
    if not one.stamps:
        raise MoodringError(f"nothing came from '{name}'; another reader may have started the replay")
    stamps_s = np.concatenate(one.stamps)[: len(wanted_s)]
    expected = int(np.searchsorted(wanted_s, stamps_s[-1] - _NEAR_S)) + 1
    late = None if published is None else (published.late_p99_s[name] * 1e3, published.worst_late_s[name] * 1e3)
    return {
        "samples": len(stamps_s),
        "lost_samples": max(0, expected - len(stamps_s)),
        "reordered_samples": int((np.diff(stamps_s) < 0).sum()),
        "stamp_error_ms": _percentiles(np.abs(stamps_s - wanted_s[: len(stamps_s)]) * 1e3),
        "age_ms": _percentiles(np.array(one.ages_s) * 1e3),
        "push_late_ms": None if late is None else {"p99": round(late[0], 3), "max": round(late[1], 3)},
    }


def _percentiles(values: TimeArray) -> dict[str, float]:
    return {
        "p50": round(float(np.percentile(values, 50)), 4),
        "p99": round(float(np.percentile(values, 99)), 4),
        "max": round(float(values.max()), 4),
    }
