"""Simulated people as they are decoded: the opinions that a pool is fitted to, decision by decision."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.live import ModelsSection
from ....configs.schema.train_pooling import TrainPoolingConfig
from ....models.contract import Estimate, Recording
from ....models.fusion import opinion_pool
from ....models.fusion.opinion_pool import Situation, VoiceLevels
from ....models.fusion.pool_file import AXES
from ....models.io.files import PRIVATE_FILE, atomic_write
from ....processes import in_workers
from ...datasets.base import Dataset, Trial
from ...datasets.simulated import SimulatedPeople
from ...decoding.decode import decode_with
from ...evaluation.people.decode import levels_at
from ...simulate import BENCHMARK
from ..common.stages import SIMULATION, Stage

DECODED = Stage("decoded people", 1, (SIMULATION,))
"""Raise its version whenever decoding gives other estimates of the same person by the same bundles."""


@dataclass(frozen=True)
class DecodedPerson:
    """The decisions of one person after rest.

    Attributes
    ----------
    times_s : (n,) float64
    truth : (n, 2) int64
        Levels of valence and arousal.
    felt : (n, 2, 3) float64
        Probabilities by face and EEG; NaN where they give none.
    voice : (n, 2, 3) float64
        Newest probabilities by the voice; NaN before its first word.
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

    @cached_property
    def situations(self) -> list[Situation | None]:
        """The situation of each decision."""
        felt = np.isfinite(self.felt[:, 0, 0])
        found: list[Situation | None] = []
        for index, end_s in enumerate(self.voice_end_s.tolist()):
            voice = VoiceLevels(self.voice[index], end_s) if np.isfinite(end_s) else None
            found.append(opinion_pool.situation(bool(felt[index]), voice, bool(self.speaks[index])))
        return found

    def fade(self, half_life_s: float) -> NDArray[np.float64]:
        """Return the share of the voice's weight that is left at each decision, ``(n,)``; 1 before its first word."""
        ages_s = self.times_s - self.voice_end_s
        return opinion_pool.left_of(np.where(np.isfinite(ages_s), ages_s, 0.0), half_life_s)


def decoded_person(recording: Recording, estimates: Sequence[Estimate]) -> DecodedPerson:
    """Line up the estimates of a person with the truth, leaving out rest, where there is no truth.

    Raises
    ------
    ValueError
        The recording has no truth, or the voice's categories no place on the axes.
    """
    if recording.truth is None:
        raise ValueError(f"recording '{recording.name}' has no truth to fit to")
    times_s = np.array([estimate.time_s for estimate in estimates])
    nothing = np.full((2, 3), np.nan)
    voice_levels: VoiceLevels | None = None
    felt, voice, ends = [], [], []
    for estimate in estimates:
        voice_levels = opinion_pool.remember(voice_levels, estimate.answer("speech"))
        rows = [head.probabilities for axis in AXES if (head := estimate.answer(axis)) is not None]
        felt.append(np.array(rows, np.float64) if len(rows) == len(AXES) else nothing)
        voice.append(nothing if voice_levels is None else voice_levels.levels)
        ends.append(np.nan if voice_levels is None else voice_levels.end_s)
    truth = levels_at(recording.truth, times_s)
    kept = (truth >= 0).all(axis=1)
    speaks = np.array([estimate.degraded is not None for estimate in estimates])
    return DecodedPerson(
        times_s[kept], truth[kept], np.array(felt)[kept], np.array(voice)[kept], np.array(ends)[kept], speaks[kept]
    )


def decode_people(
    seeds: Sequence[int],
    config: TrainPoolingConfig,
    bundles: Sequence[str],
    cache: Path,
    report: Callable[[str], None],
) -> list[DecodedPerson]:
    """Simulate and decode people, or read from the cache those that were decoded before; in the order of the seeds.

    Parameters
    ----------
    seeds : sequence of int
    config : TrainPoolingConfig
    bundles : sequence of str
        SHA-256 of the bundles that decode.
    cache : Path
        A folder.
    report : callable
        Takes a line as each person is done.
    """
    began_s = time.monotonic()
    seconds = config.people.seconds
    key = DECODED.key(list(bundles), BENCHMARK.digest())[:16]
    people = SimulatedPeople(seeds, seconds)
    paths = {trial.name: cache / f"pooling-{key}-{seconds:g}-{int(trial.subject):05d}.npz" for trial in people.trials}
    missing = [trial for trial in people.trials if not paths[trial.name].exists()]
    cache.mkdir(parents=True, exist_ok=True)
    decode = partial(_decode_into, people=people, models=config.models, paths=paths)
    for done, name in enumerate(in_workers(decode, missing, config.workers), start=1):
        report(f"{name} decoded ({done} of {len(missing)}, {time.monotonic() - began_s:.0f} s)")
    return [_read(paths[trial.name]) for trial in people.trials]


def _decode_into(trial: Trial, people: Dataset[Recording], models: ModelsSection, paths: Mapping[str, Path]) -> str:
    """Load and decode one person into their file; return the name of the trial."""
    recording = people.load(trial)
    found = decoded_person(recording, decode_with(recording, models).estimates)
    with atomic_write(paths[trial.name], mode=PRIVATE_FILE) as file:
        np.savez(file, **{field.name: getattr(found, field.name) for field in fields(DecodedPerson)})
    return trial.name


def _read(path: Path) -> DecodedPerson:
    with np.load(path, allow_pickle=False) as arrays:
        return DecodedPerson(**{field.name: arrays[field.name] for field in fields(DecodedPerson)})
