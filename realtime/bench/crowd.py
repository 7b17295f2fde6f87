"""`moodring bench crowd`: several participants on one machine, an engine for each.

Every engine is a whole one (sources, rings, the shipped models of felt emotion, face and voice, outlet, local channel)
in a process of its own, as ``moodring live A.toml B.toml`` starts them; a process of its own sends each participant's
streams. The sample index in channel 0 of the EEG proves every loss.
"""

import os
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from ...configs.schema.errors import MoodringError, failure_of
from ...configs.schema.liblsl import own_session
from ...configs.schema.live import (
    DecisionSection,
    EegSection,
    FaceSection,
    LiveConfig,
    LslSection,
    ModelsSection,
    OutletSection,
    SessionSection,
    SpeechSection,
    StreamQuery,
)
from ...models.contract import Estimate, Recording
from ...models.io.journal import read_journal
from ...processes import Child, Parent, hold_interrupts
from ..engine.engine_process import SHARED_LIBRARIES
from ..engine.job import EngineJob
from .index import IndexCount
from .participant import EEG, VIDEO_HZ, keep_sight_and_sound, publish_participant

PARTICIPANTS = 8
SECONDS = 60.0
_REST_S = 10.0
_WARM_UP_S = 15.0  # the rest, and what libraries do at their first call
_START_S = 240.0
_END_S = 60.0
_MEMORY_AT = 0.8
_JOURNAL = "journal-{}.jsonl"


def measure(
    recording: Recording,
    participants: int = PARTICIPANTS,
    seconds: float = SECONDS,
    say: Callable[[str], None] = lambda _: None,
    *,
    models: ModelsSection | None = None,
    together: bool = True,
) -> dict[str, Any]:
    """Decode several participants at once for a number of seconds.

    Parameters
    ----------
    recording : Recording
        Whose pictures and sound every participant sends.
    participants : int
    seconds : float
        After a warm-up of 15 s.
    say : callable
        Told how it stands.
    models : ModelsSection or None
        None are those of a lab: felt emotion, what the face expresses, the recogniser of acted speech.
    together : bool
        Whether the engines have the libraries in memory once, as those of one command do; else each has its own, as
        those of several commands.

    Returns
    -------
    dict
        ``participants``, ``duration_s``; ``sample_to_estimate_ms`` over the decisions of all, and ``p99_of_each``;
        ``decisions``, ``skipped_decisions``, ``lost_samples`` and ``reordered_samples`` by the index;
        ``cpu_s_per_s_each``, ``rss_mb_each``, ``pss_mb_each`` and ``added_mb_each``, what only that engine has in
        memory (USS): what it adds to the others; ``shared_mb`` of the process that they are copied from;
        ``cores``, ``load_average_before``, ``load_cpu_s_per_s`` of what sends the streams.

    Raises
    ------
    MoodringError
        An engine fails, or made no decision in the time measured.
    """
    lsl, name = own_session("crowd", 60.0), f"crowd-{uuid.uuid4().hex[:8]}"
    load_before = round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None
    with tempfile.TemporaryDirectory() as made, ExitStack() as stack:
        folder = Path(made)
        keep_sight_and_sound(recording, folder)
        names = [f"{name}-{index + 1:02}" for index in range(participants)]
        shared = SHARED_LIBRARIES if together else None
        with hold_interrupts():
            senders = [
                stack.enter_context(Child("load", publish_participant, one, folder, lsl, failure=failure_of))
                for one in names
            ]
            chosen = (models or ModelsSection()).model_copy(update={"allow_simulated": True})
            jobs = [_job(one, folder, lsl, _WARM_UP_S + seconds, chosen) for one in names]
            engines = [
                stack.enter_context(Child("engine", _engine, job, daemon=False, failure=failure_of, shared=shared))
                for job in jobs
            ]
        say(f"{participants} participants: {EEG.channels} channels at {EEG.rate_hz:g} Hz, a face, a voice each")
        for engine in engines:
            engine.wait_for("ready", _START_S)
        say(f"all engines are there; {_WARM_UP_S + seconds:g} s to go")
        figures = _running(senders, engines, seconds)
        for engine in engines:
            engine.wait_for("done", _START_S + seconds)
        done = [engine.latest["done"] for engine in engines]
        journals = [read_journal(folder / _JOURNAL.format(one)) for one in names]
    return {
        "participants": participants,
        "duration_s": seconds,
        **_latencies([_after_warm_up(one) for one in journals]),
        "decisions": sum(one["decisions"] for one in done),
        "skipped_decisions": sum(one["skipped_decisions"] for one in done),
        "lost_samples": sum(one["lost_samples"] for one in done),
        "reordered_samples": sum(one["reordered_samples"] for one in done),
        "cpu_s_per_s_each": [one["cpu_s_per_s"] for one in done],
        **figures,
        "together": together,
        "models": {key: getattr(chosen, key) for key in ("video_eeg", "face", "speech")},
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "load_average_before": load_before,
        "video_hz": VIDEO_HZ,
    }


def _job(name: str, folder: Path, lsl: LslSection, seconds: float, models: ModelsSection) -> EngineJob:
    config = LiveConfig(
        name=name,
        eeg=EegSection(stream=StreamQuery(name=f"{name}_eeg")),
        face=FaceSection(stream=StreamQuery(name=f"{name}_face")),
        speech=SpeechSection(stream=StreamQuery(name=f"{name}_speech")),
        models=models,
        decisions=DecisionSection(rest_s=_REST_S),
        lsl=lsl,
        outlet=OutletSection(name=f"{name}_estimate"),
        session=SessionSection(participant=name),
        journal=folder / _JOURNAL.format(name),
    )
    return EngineJob(config, seconds)


def _engine(parent: Parent, job: EngineJob) -> None:
    """Run an engine that counts the samples of its EEG: the target of a child process."""
    from ..engine.engine import serve
    from ..engine.session import Session
    from ..sources.lsl_eeg import LslEeg

    counter = IndexCount()

    def count(session: Session) -> None:
        source = session.source_channels[0].source
        if not isinstance(source, LslEeg):
            raise TypeError("the participants of this bench send EEG on LSL")
        source.watch = lambda pulled: counter.see(pulled.samples, pulled.stamps_s, pulled.gap)

    def facts(summary: dict[str, Any]) -> dict[str, Any]:
        kept = {key: summary[key] for key in ("decisions", "skipped_decisions", "cpu_s_per_s")}
        return {**kept, "lost_samples": counter.lost_samples, "reordered_samples": counter.reordered_samples}

    serve(job, parent, count, facts)


def _running(senders: Sequence[Child], engines: Sequence[Child], seconds: float) -> dict[str, Any]:
    """Wait until most of the time is over, and look at the processes."""
    begin_s, before_s = time.monotonic(), _cpu_s(senders)
    time.sleep(_WARM_UP_S + _MEMORY_AT * seconds)
    after_s, span_s = _cpu_s(senders), time.monotonic() - begin_s
    processes = [psutil.Process(engine.pid) for engine in engines]
    memory = [process.memory_full_info() for process in processes]
    parent = processes[0].parent()
    copied = parent is not None and parent.pid != os.getpid()
    return {
        "load_cpu_s_per_s": round((after_s - before_s) / span_s, 3),
        "rss_mb_each": [_mb(one.rss) for one in memory],
        "pss_mb_each": [_mb(getattr(one, "pss", 0)) for one in memory],
        "added_mb_each": [_mb(one.uss) for one in memory],
        "shared_mb": _mb(parent.memory_full_info().rss) if copied and parent is not None else None,
    }


def _cpu_s(children: Sequence[Child]) -> float:
    times = [psutil.Process(child.pid).cpu_times() for child in children]
    return float(sum(one.user + one.system for one in times))


def _mb(count: int) -> float:
    return round(count / 1e6, 1)


def _after_warm_up(journal: Sequence[Estimate]) -> Sequence[Estimate]:
    return [one for one in journal if one.session_time_s >= _WARM_UP_S and one.used]


def _latencies(journals: Sequence[Sequence[Estimate]]) -> dict[str, Any]:
    """Return the time from a decision's data time to its publication: over all decisions, and of each engine."""
    each = [np.array([one.ledger.published_s - one.time_s for one in journal]) * 1e3 for journal in journals]
    if not all(map(len, each)):
        silent = sum(not len(one) for one in each)
        raise MoodringError(
            f"{silent} of {len(each)} engines made no decision in the time measured: this machine is too busy for so "
            "many; take fewer participants, or more --seconds"
        )
    p50, p99 = np.percentile(np.concatenate(each), [50, 99])
    return {
        "sample_to_estimate_ms": {"p50": round(float(p50), 1), "p99": round(float(p99), 1)},
        "p99_of_each_ms": [round(float(np.percentile(one, 99)), 1) for one in each],
    }
