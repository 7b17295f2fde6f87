"""A state of mind from the EEG alone on people never trained on, beside LDA on band power and controls."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...configs.schema.errors import ConfigError, MoodringError
from ...configs.schema.train_eeg_state import BandHz, ControlSection, EegStateSection, EvaluateEegStateConfig
from ...models.decoders.eeg_state import NO_REFERENCE, REST, Features
from ..datasets.open_physiology import read_physiology
from ..training.eeg_state.fit import choose, discriminants, moments
from ..training.eeg_state.people import (
    Extract,
    Measure,
    PersonWindows,
    Task,
    band_power_features,
    causal_mean,
    people_of,
)
from ..training.eeg_state.windows import TrialWindows, measure
from .intervals import Interval, mean_over_people, paired_difference
from .markdown import markdown_table
from .metrics import uar
from .result import evaluation_values

Array = NDArray[np.float64]
Report = Callable[[str], None]
BRANCH, BASELINE = "EEG branch", "LDA on theta, alpha and beta"
# Of the permuted control: nothing can be chosen where there is nothing to find.
_PERMUTED_SHRINKAGE = 0.95
_LDA_SHRINKAGE = 0.1
_INNER_FOLDS = 3


@dataclass(frozen=True)
class Row:
    """One method at one length of evidence.

    Attributes
    ----------
    name : str
    seconds : float
        How much EEG an answer rests on.
    by_person : (n_people,) float64
        UAR of each person, mean over seeds.
    seeds : int
    features : int
    """

    name: str
    seconds: float
    by_person: Array
    seeds: int
    features: int

    @property
    def uar(self) -> Interval:
        """Mean over people, with its t interval."""
        return mean_over_people(self.by_person)


@dataclass(frozen=True)
class Evaluation:
    """The result of :func:`evaluate`."""

    config: EvaluateEegStateConfig
    people: tuple[str, ...]
    windows: int
    rows: tuple[Row, ...]
    wall_s: float

    @property
    def protocol(self) -> str:
        """Who was kept apart."""
        if self.config.test is not None:
            return "trained on the people of one folder, tested on those of another"
        return "leave one person out; what is chosen is chosen on folds of the training people"


def features_of(config: EegStateSection, bands_hz: Sequence[BandHz]) -> Features:
    """Return what a config measures."""
    reference = NO_REFERENCE if config.rest is None else REST
    return Features(config.electrodes, tuple(bands_hz), config.window_s, config.min_channels, reference, config.whole)


def measured(config: EegStateSection, folder: str, bands_hz: Sequence[BandHz], report: Report) -> list[TrialWindows]:
    """Return the windows of the corpus in one of a config's folders (``data`` or ``test``)."""
    root = getattr(config, folder)
    if root is None:
        raise ConfigError(f"the config needs the corpus's folder: add --set {folder}=FOLDER")
    corpus = read_physiology(config.corpus, root)
    for problem in corpus.problems:
        report(f"left out: {problem}")
    found = measure(corpus, features_of(config, bands_hz), config.line_hz, config.workers, config.cache)
    people = len({one.trial.subject for one in found})
    report(f"{sum(len(one.end_s) for one in found)} windows of {people} people of {corpus.name}")
    if people < 3 and folder == "data":
        raise MoodringError(f"'{root}' has {people} person(s), training with people apart needs 3; record more")
    return found


def task_of(config: EegStateSection, control: ControlSection | None = None) -> Task:
    """Return which windows count, and as what."""
    spans = control.spans if control is not None else None
    classes = config.classes if spans is None else tuple(spans)
    span = None if spans is None else partial(_in_spans, spans=tuple(spans.values()))
    return Task(config.label, classes, config.rest, config.rest_s, config.window_s, span)


def measure_of(config: EegStateSection, control: ControlSection, branch_hz: Sequence[BandHz]) -> Measure:
    """Return what a row takes of the covariances.

    Raises
    ------
    ConfigError
        An electrode or band is not among the measured ones.
    """
    names = control.electrodes or config.electrodes
    absent = [name for name in names if name not in config.electrodes]
    if absent:
        raise ConfigError(f"control '{control.name}': electrode {absent[0]} is not among electrodes; add it there")
    whole = config.whole if control.whole is None else control.whole
    bands = []
    for low, high in control.bands_hz or branch_hz:
        inside = tuple(i for i, band in enumerate(config.bands_hz) if low <= band[0] and band[1] <= high)
        if sum(config.bands_hz[i][1] - config.bands_hz[i][0] for i in inside) != high - low:
            raise ConfigError(f"'{control.name}': {low:g}-{high:g} Hz is no sum of bands_hz; choose edges among theirs")
        bands.append(inside)
    return Measure(tuple(bands), tuple(config.electrodes.index(name) for name in names), whole)


def held_out(
    people: Sequence[PersonWindows], strangers: Sequence[PersonWindows], n_classes: int, fit: "Fit", seed: int
) -> list[Array]:
    """Return the scores of each person by a model that never saw them, ``(n, n_classes)``.

    ``strangers`` are tested with a model of all people; without any, each person with one of the others.
    """
    labels = [_permuted(person, index, seed) if fit.permuted else None for index, person in enumerate(people)]
    known = [moments(person, n_classes, given) for person, given in zip(people, labels, strict=True)]

    def model(which: Sequence[int]) -> Any:
        theirs, shrinkage = [known[i] for i in which], fit.shrinkages[0]
        if len(fit.shrinkages) > 1:
            shrinkage = choose(
                [people[i] for i in which], theirs, fit.shrinkages, fit.memory_s, seed, _INNER_FOLDS
            ).shrinkage
        return discriminants(theirs, [shrinkage])[0]

    if strangers:
        one = model(range(len(people)))
        return [one.scores(person.features) for person in strangers]
    return [model([j for j in range(len(people)) if j != i]).scores(person.features) for i, person in enumerate(people)]


@dataclass(frozen=True)
class Fit:
    """How a row's model is fitted: one shrinkage is taken, of several one is chosen on training people."""

    shrinkages: tuple[float, ...]
    memory_s: float
    permuted: bool = False


def evaluate(config: EvaluateEegStateConfig, report: Report) -> Evaluation:
    """Score the EEG branch, LDA on band power and the controls of a config on people never trained on.

    Raises
    ------
    MoodringError
        A folder holds no such corpus, or people are too few; ConfigError where a folder is not given.
    """
    began = time.monotonic()
    for control in config.controls:
        measure_of(config, control, config.branch)  # refuse a wrong one before minutes of work
    trials = measured(config, "data", config.bands_hz, report)
    others = measured(config, "test", config.bands_hz, report) if config.test is not None else []
    return replace(evaluate_windows(config, trials, others, report), wall_s=time.monotonic() - began)


def evaluate_windows(
    config: EvaluateEegStateConfig, trials: Sequence[TrialWindows], others: Sequence[TrialWindows], report: Report
) -> Evaluation:
    """Score what was measured before: see :func:`evaluate`; ``others`` are the windows of the test folder."""
    began = time.monotonic()
    branch = ControlSection(name=BRANCH)
    _refuse_shared(trials, others)
    rows: list[Row] = []
    people: list[PersonWindows] = []

    def add(name: str, extract: Extract, control: ControlSection, fit: Fit, seeds: Sequence[int]) -> None:
        task = task_of(config, control)
        ours = people_of(trials, task, extract)
        strangers = people_of(others, task, extract)
        tested = strangers or ours
        figures = np.zeros((len(seeds), 2, len(tested)))
        for index, seed in enumerate(seeds):
            scores = held_out(ours, strangers, len(task.classes), fit, seed)
            for which, seconds in enumerate((0.0, config.memory_s)):
                figures[index, which] = [
                    uar(person.labels, causal_mean(one, person, seconds).argmax(axis=1))
                    for person, one in zip(tested, scores, strict=True)
                ]
        for which, seconds in enumerate((config.window_s, config.memory_s)):
            by_person = figures[:, which].mean(axis=0)
            rows.append(Row(name, seconds, by_person, len(seeds), ours[0].features.shape[1]))
        people[:] = people or tested
        shown = " / ".join(f"{row.uar.value:.3f}" for row in rows[-2:])
        report(f"{name}: {shown} ({time.monotonic() - began:.0f} s)")

    add(BASELINE, band_power_features, branch, Fit((_LDA_SHRINKAGE,), config.memory_s), config.seeds[:1])
    chosen = Fit(config.shrinkages, config.memory_s)
    add(BRANCH, measure_of(config, branch, config.branch), branch, chosen, config.seeds)
    for control in config.controls:
        fit = Fit((_PERMUTED_SHRINKAGE,), config.memory_s, True) if control.permuted else chosen
        seeds = config.seeds if control.permuted else config.seeds[: config.control_seeds]
        add(control.name, measure_of(config, control, config.branch), control, fit, seeds)
    return Evaluation(
        config,
        tuple(person.subject for person in people),
        sum(len(person.labels) for person in people),
        tuple(rows),
        time.monotonic() - began,
    )


def as_plain(result: Evaluation) -> dict[str, Any]:
    """Return the result as every evaluation's JSON."""
    rows = [
        {
            "name": row.name, "window_s": row.seconds, "uar": row.uar.value, "low": row.uar.low, "high": row.uar.high,
            "seeds": row.seeds, "features": row.features, "by_person": row.by_person,
        }
        for row in result.rows
    ]  # fmt: skip
    return evaluation_values(
        protocol=result.protocol,
        groups=result.people,
        n=result.windows,
        seeds=result.config.seeds,
        domain=(result.config.domain,),
        rows=rows,
        paired=[
            {"a": BRANCH, "b": name, "window_s": seconds, "difference": it.value, "low": it.low, "high": it.high}
            for name, seconds, it in _differences(result)
        ],
        wall_s=result.wall_s,
    )


def table(result: Evaluation) -> str:
    """Return the result as a table in Markdown, with what it rests on below it."""
    config = result.config
    names = list(dict.fromkeys(row.name for row in result.rows))
    cells = {(row.name, row.seconds): f"**{row.uar.value:.3f}** [{row.uar.low:.3f}, {row.uar.high:.3f}]"
             for row in result.rows}  # fmt: skip
    differences = {
        (name, seconds): f"{it.value:+.3f} [{it.low:+.3f}, {it.high:+.3f}]"
        for name, seconds, it in _differences(result)
    }
    lengths = (config.window_s, config.memory_s)
    header = ("", *(f"UAR, {s:g} s [95 %]" for s in lengths), *(f"{BRANCH} less this, {s:g} s" for s in lengths))
    lines = [
        (name, *(cells[name, s] for s in lengths), *(differences.get((name, s), "") for s in lengths)) for name in names
    ]
    seeds = f"{len(config.seeds)} seed(s), controls {config.control_seeds}, permuted labels {len(config.seeds)}"
    return "\n".join([
        markdown_table(header, lines),
        "",
        f"{config.domain}: {result.protocol}. {len(result.people)} people, {result.windows} windows of "
        f"{config.window_s:g} s, half a second apart; {config.memory_s:g} s: causal mean of the scores within a "
        f"recording. Mean over people of each person's UAR, t interval over people; {seeds}; {result.wall_s:.0f} s.",
    ])  # fmt: skip


def _refuse_shared(trials: Sequence[TrialWindows], others: Sequence[TrialWindows]) -> None:
    """Raise MoodringError where a recording is in both folders."""
    known = {one.covariances.tobytes() for one in trials}
    shared = next((one.trial.subject for one in others if one.covariances.tobytes() in known), None)
    if shared is not None:
        raise MoodringError(
            f"a recording of person {shared} is in data and in test: nobody may train and be tested; part the folders"
        )


def _differences(result: Evaluation) -> list[tuple[str, float, Interval]]:
    """Return the branch less each other row of the same people and length of evidence."""
    branch = {row.seconds: row for row in result.rows if row.name == BRANCH}
    return [
        (row.name, row.seconds, paired_difference(branch[row.seconds].by_person, row.by_person))
        for row in result.rows
        if row.name != BRANCH
    ]


def _in_spans(label: str, end_s: Array, spans: Sequence[tuple[str, float, float]]) -> NDArray[np.int64]:
    """Return the class of windows by the span of the recording that they end in; -1 outside all."""
    classes = np.full(len(end_s), -1, np.int64)
    for index, (where, start, stop) in enumerate(spans):
        if where == label:
            classes[(end_s > start) & (end_s <= stop)] = index
    return classes


def _permuted(person: PersonWindows, index: int, seed: int) -> NDArray[np.int64]:
    """Return the labels of a person with the classes exchanged at random."""
    classes = np.unique(person.labels)
    exchanged: NDArray[np.int64] = np.random.default_rng((seed, index)).permutation(classes)[person.labels]
    return exchanged
