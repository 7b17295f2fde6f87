"""`moodring bench speech`: cost, latency and memory growth of the speech path.

The path is a session's: blocks of 20 ms as a microphone gives them, the ingest with its ring, voice activity, cutting,
the decoder. First so much sound goes through it as fast as it can, on one core; then a minute in real time.
"""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from ...configs.schema.errors import MoodringError, failure_of
from ...models.contract import AUDIO_RATE_HZ, FloatArray, HeadOutput
from ...models.io.ring import rings_in
from ...models.streaming.ingest.sources import Chunk, SourceInfo
from ...models.streaming.ingest.stream_ingest import ingest_factory
from ...processes import Child, Parent, hold_interrupts
from ..engine.process_settings import cap_blas
from .soak import figures_of, memory_slope_mb_per_h

SECONDS = 3600.0
_BLOCK = AUDIO_RATE_HZ // 50
PACED_S = 60.0
_WARM_UP_S = 90.0  # the ring of a minute fills, and the libraries take what they will keep
_NOTE_S = 5.0
_START_S = 120.0
_REPORT_S = 600.0
_SILENT_S = 600.0  # of a child that says how it stands every ten simulated minutes


@dataclass(frozen=True)
class SpeechBenchJob:
    """SpeechBenchJob of the child: a bundle, a sound that repeats, and the simulated seconds."""

    bundle: Path
    sound: FloatArray
    seconds: float
    enrolment: Path | None = None


def measure(
    bundle: Path,
    sound: FloatArray,
    seconds: float = SECONDS,
    say: Any = lambda _: None,
    enrolment: Path | None = None,
) -> dict[str, Any]:
    """Measure in a child process.

    Parameters
    ----------
    bundle : Path
        Of kind "speech".
    sound : (n,) float32
        16 kHz, mono, in -1..1: what is heard, over and over.
    seconds : float
        How much of it goes through as fast as it can; at most a minute of it in real time.
    say : callable
        Told how it stands, now and then.
    enrolment : Path or None
        Of whose voice is let pass.

    Returns
    -------
    dict
        ``real_time_factor``: processor seconds per second of sound. ``latency_ms``: p50 and p99, from the last sample
        of a whole second of speech to its estimate. ``rss_slope_mb_per_h``: median slope (Theil-Sen) of the memory
        per simulated hour after the first 90 s, or a third of a shorter run. For the record: ``duration_s``,
        ``speech_fraction``, ``estimates``, ``rss_mb``, and ``utterance_end_ms``, p50 and p99 from the last sample
        of an utterance to its final estimate, which contains the pause that ends it.

    Raises
    ------
    MoodringError
        The bundle cannot be used, or nobody speaks in the sound.
    """
    job = SpeechBenchJob(bundle, sound, seconds, enrolment)
    with hold_interrupts(), Child("speech bench", _run, job, failure=failure_of) as child:
        return figures_of(child, _START_S + _SILENT_S, say)


class _SpeechPipeline:
    """From blocks of a microphone to estimates, as in a session."""

    def __init__(self, job: SpeechBenchJob) -> None:
        import torch

        from ...models.decoders.speaker import load_gate
        from ...models.decoders.speech import SpeechDecoder
        from ...models.io.bundle import load_bundle

        # As in an engine.
        torch.set_num_threads(1)
        cap_blas(1)
        gate = None if job.enrolment is None else load_gate(job.enrolment)
        self._decoder = SpeechDecoder(load_bundle(job.bundle, "speech"), torch.device("cpu"), gate)
        info = SourceInfo("speech", "bench", float(AUDIO_RATE_HZ), (1,), "<f4", ("audio",), 0.0)
        self._ingest = ingest_factory(None, rings_in(None))(info)
        self._at = 0

    @property
    def voiced(self) -> bool:
        return self._decoder.voiced

    def append(self, block: FloatArray, start_s: float) -> tuple[HeadOutput, ...]:
        """Return the estimates that this block completes."""
        stamps_s = start_s + np.arange(len(block)) / AUDIO_RATE_HZ
        self._ingest.append(Chunk(block[:, np.newaxis], stamps_s, float(stamps_s[-1]), False))
        piece = self._ingest.ring.between(self._at, self._ingest.ring.count)
        self._at = piece.stop
        return self._decoder.feed(piece.samples[:, 0], float(piece.stamps_s[0]))


def _run(parent: Parent, job: SpeechBenchJob) -> None:
    figures = _measure_throughput(parent, job)
    late_s, ending_s = _measure_latency(parent, job)
    if not late_s:
        raise MoodringError(
            f"no whole second of speech was heard in {min(job.seconds, PACED_S):g} s; give a sound with more speech"
        )
    parent.send(
        {"figures": {**figures, "latency_ms": _percentiles(late_s), "utterance_end_ms": _percentiles(ending_s)}}
    )


def _measure_throughput(parent: Parent, job: SpeechBenchJob) -> dict[str, Any]:
    """Decode everything as fast as it goes, and note the memory."""
    pipeline, process = _SpeechPipeline(job), psutil.Process()
    blocks = round(job.seconds * AUDIO_RATE_HZ / _BLOCK)
    every, report = round(_NOTE_S * AUDIO_RATE_HZ / _BLOCK), round(_REPORT_S * AUDIO_RATE_HZ / _BLOCK)
    # Taken before it is needed: what a bench notes must not look like a leak.
    notes = np.full((blocks // every + 2, 2), np.nan)
    noted = voiced = estimates = 0
    begin_cpu_s = time.process_time()
    for index in range(blocks):
        estimates += len(pipeline.append(_block(job.sound, index), index * _BLOCK / AUDIO_RATE_HZ))
        voiced += pipeline.voiced
        if index % every == 0 or index == blocks - 1:
            notes[noted] = index * _BLOCK / AUDIO_RATE_HZ, process.memory_info().rss / 1e6
            noted += 1
        if (index + 1) % report == 0:
            parent.send({"line": f"{round((index + 1) * _BLOCK / AUDIO_RATE_HZ)} s: {notes[noted - 1, 1]:.1f} MB"})
            _raise_if_ended(parent)
    cpu_s = time.process_time() - begin_cpu_s
    times_s, rss_mb = notes[:noted].T
    warm = times_s >= min(_WARM_UP_S, job.seconds / 3)
    return {
        "real_time_factor": round(cpu_s / (blocks * _BLOCK / AUDIO_RATE_HZ), 5),
        "rss_slope_mb_per_h": round(memory_slope_mb_per_h(times_s[warm].tolist(), rss_mb[warm].tolist()), 3),
        "duration_s": round(blocks * _BLOCK / AUDIO_RATE_HZ, 1),
        "speech_fraction": round(voiced / blocks, 3),
        "estimates": estimates,
        "rss_mb": round(float(rss_mb[-1]), 1),
    }


def _measure_latency(parent: Parent, job: SpeechBenchJob) -> tuple[list[float], list[float]]:
    """Decode a minute in real time; return the latency of estimates after whole seconds and after utterances."""
    pipeline = _SpeechPipeline(job)
    pipeline.append(_block(job.sound, 0), -1.0)  # the first call of a library is slower: not a session's business
    seconds: list[float] = []
    endings: list[float] = []
    begin_s = time.monotonic()
    for index in range(round(min(job.seconds, PACED_S) * AUDIO_RATE_HZ / _BLOCK)):
        there_s = begin_s + (index + 1) * _BLOCK / AUDIO_RATE_HZ
        time.sleep(max(there_s - time.monotonic(), 0.0))
        for estimate in pipeline.append(_block(job.sound, index), begin_s + index * _BLOCK / AUDIO_RATE_HZ):
            late_s = time.monotonic() - estimate.stretch_s[1]
            (endings if estimate.final else seconds).append(late_s)
        _raise_if_ended(parent)
    return seconds, endings


def _block(sound: FloatArray, index: int) -> FloatArray:
    return np.take(sound, np.arange(index * _BLOCK, (index + 1) * _BLOCK), mode="wrap")


def _raise_if_ended(parent: Parent) -> None:
    if parent.ended.is_set():
        raise MoodringError("the speech bench was ended before its time")


def _percentiles(late_s: list[float]) -> dict[str, float | None]:
    if not late_s:
        return {"p50": None, "p99": None}
    p50, p99 = np.percentile(late_s, (50, 99)) * 1e3
    return {"p50": round(float(p50), 2), "p99": round(float(p99), 2)}
