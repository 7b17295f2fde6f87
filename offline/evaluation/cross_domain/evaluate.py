"""Train and test every network of the plan; what is finished is kept, so that a run that was cut goes on."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch

from ....configs.schema.errors import ConfigError, MoodringError
from ....configs.schema.papers.cross_domain import FACES_NAME, FILMED, CrossDomainConfig, corpus_of
from ....models.io.files import write_file
from ...training.common.stages import Stage
from ...training.cross_domain.sets import ImageSet, IntArray, face_set, film_set, segmented, voice_set
from ...training.cross_domain.train import FINE_TUNED, JOINT, SINGLE, probabilities, step_settings, trained
from .plan import Job, Test, jobs
from .rows import Answers, as_values, results

Report = Callable[[str], None]
ANSWERS = Stage("cross-domain answers", 1, (SINGLE, FINE_TUNED, JOINT))
"""Raise its version whenever the same network answers otherwise."""


@dataclass(frozen=True)
class _Answered:
    """What one network answered on one set."""

    test: Test
    seed: int
    fold: str
    predicted: IntArray


def evaluate_cross_domain(config: CrossDomainConfig, report: Report) -> dict[str, Any]:
    """Return the values of the JSON of an evaluation.

    Raises
    ------
    MoodringError
        A set is not there or damaged, a person or photograph is on both sides, or a file cannot be written.
    """
    if config.data is None:
        raise ConfigError(
            f"config '{config.name}' needs the folder that holds {', '.join(one.name for one in config.sets)}: "
            "add --set data=FOLDER"
        )
    began = time.monotonic()
    torch.set_num_threads(config.threads)
    folder = config.cache or Path(platformdirs.user_cache_dir("moodring", appauthor=False)) / "cross_domain"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder '{folder}' for what is kept cannot be made: {error.strerror}") from None
    sets = read_sets(config, config.data, report)
    cut = {name: segmented(sets[name]) for name in config.leaky}
    heads = {name: len(one.classes) for name, one in sorted(sets.items())}
    answered: list[_Answered] = []
    for seed in config.seeds:
        for job in jobs(config, sets, cut):
            answered += _answers(job, config, heads, seed, folder, report)
    rows, paired = results(config, _gathered(answered))
    return as_values(config, rows, paired, time.monotonic() - began)


def read_sets(config: CrossDomainConfig, root: Path, report: Report) -> dict[str, ImageSet]:
    """Return the sets of a config and their sources, by name."""
    sources = [*(one.source for one in config.sets), *(one.source for one in config.pairs)]
    names = dict.fromkeys(name for name in (FACES_NAME, *(one.name for one in config.sets), *sources) if name)
    sets = {}
    for name in names:
        report(f"reading {name}")
        corpus = corpus_of(name)
        if name == FACES_NAME:
            sets[name] = face_set(root / name, config.pictures)
        elif name.endswith(FILMED):
            sets[name] = film_set(corpus, root / corpus, config.frames)
        else:
            sets[name] = voice_set(name, root / name)
    return sets


def _answers(
    job: Job, config: CrossDomainConfig, heads: Mapping[str, int], seed: int, folder: Path, report: Report
) -> list[_Answered]:
    """Return what the network of a job answers on its tests, kept or trained now."""
    recipe = [step_settings(step, config) for step in job.steps]
    tested = [[test.data.name, [test.data.items.names[i] for i in test.chosen]] for test in job.tests]
    key = ANSWERS.key(recipe, tested, sorted(heads.items()), seed, config.dropout, job.name)
    path = folder / f"answers-{seed}-{key[:16]}.json"
    kept = _read(path, job)
    if kept is None:
        started = time.monotonic()
        network = trained(job.steps, heads, config, seed, folder, report)
        kept = [probabilities(network, test.data, test.chosen).argmax(axis=1) for test in job.tests]
        try:
            write_file(path, json.dumps({"job": job.name, "answers": [one.tolist() for one in kept]}))
        except OSError as error:
            raise MoodringError(f"answers '{path}' cannot be written: {error.strerror}; set cache=FOLDER") from None
        right = ", ".join(
            f"{test.data.name} {(test.data.labels[test.chosen] == one).mean():.3f}"
            for test, one in zip(job.tests, kept, strict=True)
        )
        report(f"seed {seed}, {job.name}: accuracy {right}, {time.monotonic() - started:.0f} s")
    return [_Answered(test, seed, job.name, one) for test, one in zip(job.tests, kept, strict=True)]


def _gathered(answered: Sequence[_Answered]) -> list[Answers]:
    """Put the folds of each row together: those that test different people as one, those that test the same apart."""
    rows: dict[tuple[str, str, str], list[_Answered]] = {}
    for one in answered:
        rows.setdefault((one.test.data.name, one.test.system, one.test.protocol), []).append(one)
    gathered = []
    for (name, system, protocol), several in rows.items():
        repeats: dict[tuple[int, str], int] = {}
        which = [repeats.setdefault((one.seed, one.fold if one.test.repeated else ""), len(repeats)) for one in several]
        data = [one.test.data for one in several]
        gathered.append(
            Answers(
                data=name,
                system=system,
                protocol=protocol,
                classes=data[0].classes,
                truth=np.concatenate([one.test.data.labels[one.test.chosen] for one in several]),
                predicted=np.concatenate([one.predicted for one in several]),
                which=np.repeat(which, [len(one.predicted) for one in several]),
                seeds=tuple(seed for seed, _ in repeats),
                groups=tuple(one.test.data.groups[i] for one in several for i in one.test.chosen),
            )
        )
    return gathered


def _read(path: Path, job: Job) -> list[IntArray] | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        found = [np.array(one, np.int64) for one in values["answers"]]
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MoodringError(f"kept answers '{path}' cannot be read: {error}; remove the file") from None
    if [len(one) for one in found] != [len(test.chosen) for test in job.tests]:
        raise MoodringError(f"kept answers '{path}' are not of {job.name}; remove the file")
    return found
