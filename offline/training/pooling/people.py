"""What there is to pool of people, decision by decision, as the engine decodes them."""

import hashlib
import time
from collections.abc import Callable, Sequence
from concurrent.futures import as_completed
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.live import ModelsSection
from ....configs.schema.train_pooling import TrainPoolingConfig
from ....models.contract import Estimate, Recording
from ....models.fusion import opinion_pool
from ....models.fusion.opinion_pool import Situation, VoiceLevels
from ....models.fusion.pool_file import AXES
from ....models.io.files import atomic_write
from ...decoding.decode import decode_with
from ...evaluation.evaluate import levels_at
from ...simulate import BENCHMARK, simulate
from ..common.workers import worker_pool
from ..video_eeg.prepare import PREPARED_VERSION

DECODED_VERSION = 1
"""Of what the engine says of a person: raise it whenever it says something else."""


@dataclass(frozen=True)
class Evidence:
    """One person's decisions after rest.

    Attributes
    ----------
    times_s : (n,) float64
    truth : (n, 2) int64
        Levels of valence and arousal.
    felt : (n, 2, 3) float64
        What face and EEG say; NaN where they say nothing.
    voice : (n, 2, 3) float64
        What the voice said last; NaN before its first word.
    voice_end_s : (n,) float64
        Where the speech that it describes ends; NaN before.
    speaks : (n,) bool
        Whether face and EEG are degraded by speaking.
    """

    times_s: NDArray[np.float64]
    truth: NDArray[np.int64]
    felt: NDArray[np.float64]
    voice: NDArray[np.float64]
    voice_end_s: NDArray[np.float64]
    speaks: NDArray[np.bool_]

    @property
    def situations(self) -> list[Situation | None]:
        """In which situation each decision is made."""
        felt = np.isfinite(self.felt[:, 0, 0])
        found: list[Situation | None] = []
        for index, end_s in enumerate(self.voice_end_s.tolist()):
            voice = VoiceLevels(self.voice[index], end_s) if np.isfinite(end_s) else None
            found.append(opinion_pool.situation(bool(felt[index]), voice, bool(self.speaks[index])))
        return found

    def left(self, half_life_s: float) -> NDArray[np.float64]:
        """Give what is left of the voice's weight at each decision, ``(n,)``; 1 before its first word."""
        ages_s = self.times_s - self.voice_end_s
        return opinion_pool.left_of(np.where(np.isfinite(ages_s), ages_s, 0.0), half_life_s)


def evidence_of(recording: Recording, estimates: Sequence[Estimate]) -> Evidence:
    """Line up what was said with the truth, leaving out rest, where there is no truth.

    Raises
    ------
    ValueError
        The recording has no truth, or the voice's categories no place on the axes.
    """
    if recording.truth is None:
        raise ValueError(f"recording '{recording.name}' has no truth to fit to")
    times_s = np.array([estimate.time_s for estimate in estimates])
    nothing = np.full((2, 3), np.nan)
    heard: VoiceLevels | None = None
    felt, voice, ends = [], [], []
    for estimate in estimates:
        heard = opinion_pool.remember(heard, estimate.answer("speech"))
        rows = [head.probabilities for axis in AXES if (head := estimate.answer(axis)) is not None]
        felt.append(np.array(rows, np.float64) if len(rows) == len(AXES) else nothing)
        voice.append(nothing if heard is None else heard.levels)
        ends.append(np.nan if heard is None else heard.end_s)
    truth = levels_at(recording.truth, times_s)
    kept = (truth >= 0).all(axis=1)
    speaks = np.array([estimate.degraded is not None for estimate in estimates])
    return Evidence(
        times_s[kept], truth[kept], np.array(felt)[kept], np.array(voice)[kept], np.array(ends)[kept], speaks[kept]
    )


def observe(
    seeds: Sequence[int],
    config: TrainPoolingConfig,
    bundles: Sequence[str],
    cache: Path,
    report: Callable[[str], None],
) -> list[Evidence]:
    """Simulate and decode people, or read from the cache those that were decoded before; in the order of the seeds.

    Parameters
    ----------
    seeds : sequence of int
    config : TrainPoolingConfig
    bundles : sequence of str
        Hashes.
    cache : Path
        A folder. Files are named by bundles, difficulty, the versions of what the simulation and the engine give, length and seed.
    report : callable
        Takes a line as each person is done.
    """
    began_s = time.monotonic()
    key = hashlib.sha256(
        "-".join([*bundles, BENCHMARK.digest(), f"v{DECODED_VERSION}", f"v{PREPARED_VERSION}"]).encode()
    ).hexdigest()[:16]
    seconds = config.people.seconds
    paths = {seed: cache / f"pooling-{key}-{seconds:g}-{seed:05d}.npz" for seed in seeds}
    missing = [seed for seed in seeds if not paths[seed].exists()]
    cache.mkdir(parents=True, exist_ok=True)
    with worker_pool(config.workers) as pool:
        jobs = {pool.submit(_observe, seed, seconds, config.models, paths[seed]): seed for seed in missing}
        for done, job in enumerate(as_completed(jobs), start=1):
            job.result()
            report(f"person {jobs[job]} decoded ({done} of {len(missing)}, {time.monotonic() - began_s:.0f} s)")
    return [_read(paths[seed]) for seed in seeds]


def _observe(seed: int, seconds: float, models: ModelsSection, path: Path) -> None:
    recording = simulate(seed, seconds)
    found = evidence_of(recording, decode_with(recording, models).estimates)
    with atomic_write(path) as file:
        np.savez(file, **{field.name: getattr(found, field.name) for field in fields(Evidence)})


def _read(path: Path) -> Evidence:
    with np.load(path, allow_pickle=False) as arrays:
        return Evidence(**{field.name: arrays[field.name] for field in fields(Evidence)})
