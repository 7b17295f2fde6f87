"""Train and test the paper's systems fold by fold; finished folds are kept, so that an interrupted run goes on."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import platformdirs
from numpy.typing import NDArray
from scipy.special import softmax

from ...configs.schema.errors import ConfigError, MoodringError
from ...configs.schema.papers.speech import PaperConfig, RunSection
from ...models.io.files import write_file
from ..datasets.open_corpus import read_corpus
from ..datasets.speech_corpus import SpeechCorpus
from ..training.common.checkpoints import Checkpoints
from ..training.common.utterances import LabelledUtterance
from ..training.paper_speech.train import PAPER_TRAINING, fit, utterance_logits
from .leakage import LeakageGuard, audit
from .splits import Items, LeaveOneGroupOut, Protocol, RandomHoldOut, Split

IntArray = NDArray[np.int64]
Report = Callable[[str], None]

TEST_SHARE = 0.2
STOPPING_SHARE = 0.16
# What changes how long a fold takes or where it lies, but not its result.
_NOT_THE_RECIPE = {"name", "runs", "corpus", "cache", "only_finished", "threads"}


@dataclass(frozen=True)
class Fold:
    """One training: which items to train on, to stop by and to test.

    Attributes
    ----------
    split : Split
        The protocol's own; its ``train`` holds both of the following.
    training, stopping : (n,) int64
    """

    split: Split
    training: IntArray
    stopping: IntArray


@dataclass(frozen=True)
class FoldResult:
    """Result of one training, as kept in the cache.

    Attributes
    ----------
    names, speakers : tuple of str
        Of the items tested.
    truth : tuple of int
    probabilities : tuple of tuple of float
        One row per item.
    n_training, n_stopping : int
    best_epoch, epochs : int
    stopping_loss, seconds : float
    """

    names: tuple[str, ...]
    speakers: tuple[str, ...]
    truth: tuple[int, ...]
    probabilities: tuple[tuple[float, ...], ...]
    n_training: int
    n_stopping: int
    best_epoch: int
    epochs: int
    stopping_loss: float
    seconds: float

    @property
    def accuracy(self) -> float:
        """Share of the items classified correctly."""
        return float(np.mean(np.argmax(self.probabilities, axis=1) == np.array(self.truth)))


@dataclass(frozen=True)
class RunResult:
    """One line of the table: the folds of each seed that are finished.

    Attributes
    ----------
    config : PaperConfig
    run : RunSection
    protocol : str
        Says "leaky" where it is.
    class_counts : tuple of int
        Of all files, in the order of the run's classes.
    folds : tuple of (seed, folds)
    data_hash : str
        SHA-256 of names and samples.
    """

    config: PaperConfig
    run: RunSection
    protocol: str
    class_counts: tuple[int, ...]
    folds: tuple[tuple[int, tuple[FoldResult, ...]], ...]
    data_hash: str


@dataclass(frozen=True)
class _LoadedFiles:
    """The files of one set of classes."""

    items: Items
    utterances: tuple[LabelledUtterance, ...]
    speakers: tuple[str, ...]
    data_hash: str


def evaluate_systems(systems: Sequence[PaperConfig], report: Report) -> tuple[RunResult, ...]:
    """Do every run of every system: first the first runs of all, then the second ones.

    Parameters
    ----------
    systems : sequence of PaperConfig
    report : callable
        Takes a line for each fold.

    Returns
    -------
    tuple of RunResult
        In the order of systems and runs; with ``only_finished``, without what no seed has finished.

    Raises
    ------
    MoodringError
        The corpus or the cache cannot be read or written, a class is missing, or a split leaks.
    """
    loaded: dict[tuple[str, str, tuple[str, ...]], _LoadedFiles] = {}
    done: dict[tuple[int, int], RunResult] = {}
    jobs = [(k, i) for i, system in enumerate(systems) for k in range(len(system.runs))]
    for k, i in sorted(jobs):
        run = systems[i].runs[k]
        system = systems[i].model_copy(update={"epochs": run.epochs or systems[i].epochs})
        key = (system.corpus_kind, system.corpus, run.classes)
        if key not in loaded:
            loaded[key] = _load(read_corpus(system.corpus_kind, Path(system.corpus)), run.classes)
        done[i, k] = _run(system, run, loaded[key], report)
    return tuple(result for _, result in sorted(done.items(), key=lambda one: one[0]) if result.folds)


def folds(run: RunSection, items: Items, seed: int) -> Iterator[Fold]:
    """Yield the folds of a run, audited.

    Under the random split, the files to stop by are drawn at random too; where speakers are left out, the speaker after
    the one tested stops the training, so that it stops where it generalises to people.
    """
    protocol = protocol_of(run, seed)
    for split in protocol.splits(items):
        if run.protocol == "random":
            drawn = np.random.default_rng((seed, 1)).permutation(split.train)
            stopping = np.sort(drawn[: round(STOPPING_SHARE * len(items.names))])
        else:
            stopping = _next_speaker(items.group("speaker"), split)
        training = np.setdiff1d(split.train, stopping)
        share = np.random.default_rng((seed, 2)).permutation(training)[: round(run.training_share * len(training))]
        fold = Fold(split, np.sort(share), stopping)
        audit(items, split, protocol.apart)
        audit(items, Split(f"{split.name}, early stopping", fold.training, stopping), protocol.apart)
        yield fold


def protocol_of(run: RunSection, seed: int) -> Protocol:
    """Return the protocol of a run."""
    return RandomHoldOut(TEST_SHARE, seed) if run.protocol == "random" else LeaveOneGroupOut("speaker")


def describe(run: RunSection) -> str:
    """Name the protocol for all seeds together, with the word "leaky" where it is."""
    if run.protocol == "random":
        return "leaky: random 64/16/20, speakers on both sides"
    return protocol_of(run, 0).describe()


def _run(system: PaperConfig, run: RunSection, files: _LoadedFiles, report: Report) -> RunResult:
    by_seed = []
    for seed in run.seeds:
        results = [_fold(system, run, seed, fold, files, report) for fold in folds(run, files.items, seed)]
        finished = tuple(result for result in results if result is not None)
        if len(finished) == len(results):
            by_seed.append((seed, finished))
    counts = np.bincount([one.label for one in files.utterances], minlength=len(run.classes))
    return RunResult(system, run, describe(run), tuple(map(int, counts)), tuple(by_seed), files.data_hash)


def _fold(
    system: PaperConfig, run: RunSection, seed: int, fold: Fold, files: _LoadedFiles, report: Report
) -> FoldResult | None:
    """Return a fold from the cache, or train it; None where it is missing and must not be trained."""
    key = _key(system, run, seed, fold, files)
    cache = Path(system.cache) if system.cache else _user_cache()
    path = cache / f"{system.system}-{len(run.classes)}-{run.protocol}-{seed}-{key[:16]}.json"
    if (kept := _read(path)) is not None or system.only_finished:
        return kept
    result = _train(system, run, seed, fold, files, Checkpoints(cache / f"checkpoints-{key[:16]}", key))
    _write(path, result)
    share = "" if run.training_share == 1.0 else f", {run.training_share:.0%} of the files"
    report(
        f"{system.name}, {len(run.classes)} classes{share}, seed {seed}, {fold.split.name}: accuracy "
        f"{result.accuracy:.3f} of {len(result.truth)}, epoch {result.best_epoch} of {result.epochs}, "
        f"{result.seconds:.0f} s"
    )
    return result


def _train(
    system: PaperConfig, run: RunSection, seed: int, fold: Fold, files: _LoadedFiles, checkpoints: Checkpoints
) -> FoldResult:
    began = time.monotonic()
    training, stopping, test = (
        [files.utterances[i] for i in index] for index in (fold.training, fold.stopping, fold.split.test)
    )
    sounds = [one.samples for one in files.utterances]
    guard = LeakageGuard(files.items, fold.split, protocol_of(run, seed).apart, (sounds,))
    guard.check("network", (one.samples for one in training))
    guard.check("early stopping", (one.samples for one in stopping))
    fitted = fit(system, training, stopping, len(run.classes), seed, checkpoints, _no_report)
    probabilities = softmax(utterance_logits(fitted.network, test), axis=1)
    checkpoints.clear()
    return FoldResult(
        names=tuple(files.items.names[i] for i in fold.split.test),
        speakers=tuple(files.speakers[i] for i in fold.split.test),
        truth=tuple(one.label for one in test),
        probabilities=tuple(tuple(round(float(p), 6) for p in row) for row in probabilities),
        n_training=len(training),
        n_stopping=len(stopping),
        best_epoch=fitted.best_epoch,
        epochs=fitted.epochs,
        stopping_loss=fitted.stopping_loss,
        seconds=round(time.monotonic() - began, 1),
    )


def _load(corpus: SpeechCorpus, classes: tuple[str, ...]) -> _LoadedFiles:
    chosen = tuple(trial for trial in corpus.trials if trial.labels["emotion"] in classes)
    there = {trial.labels["emotion"] for trial in corpus.trials}
    absent = [label for label in classes if label not in there]
    if absent:
        raise ConfigError(
            f"classes: {corpus.name} under '{corpus.root}' has no {absent[0]!r}, only {', '.join(sorted(there))}; "
            "choose those"
        )
    utterances = tuple(
        LabelledUtterance(corpus.load(trial), classes.index(trial.labels["emotion"])) for trial in chosen
    )
    digest = hashlib.sha256()
    for trial, one in zip(chosen, utterances, strict=True):
        file_name = Path(trial.name).name
        digest.update(f"{file_name} {trial.labels['emotion']} {trial.subject} ".encode() + one.samples.tobytes())
    items = Items.of(chosen, subject="speaker", stimulus="prompt")
    return _LoadedFiles(items, utterances, tuple(trial.subject for trial in chosen), digest.hexdigest())


def _next_speaker(speakers: NDArray[np.str_], split: Split) -> IntArray:
    names = list(np.unique(speakers))
    if len(names) < 3:
        raise MoodringError(
            f"leaving speakers out needs three (to train, to stop by, to test), there are {len(names)}; add speakers"
        )
    after = names[(names.index(speakers[split.test[0]]) + 1) % len(names)]
    return np.flatnonzero(speakers == after)


def _key(system: PaperConfig, run: RunSection, seed: int, fold: Fold, files: _LoadedFiles) -> str:
    recipe = system.model_dump(mode="json", exclude=_NOT_THE_RECIPE)
    return PAPER_TRAINING.key(
        recipe, run.classes, run.protocol, run.training_share, seed, fold.split.name, files.data_hash
    )


def _user_cache() -> Path:
    return Path(platformdirs.user_cache_dir("moodring", appauthor=False)) / "paper"


def _read(path: Path) -> FoldResult | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        lists = {key: tuple(values[key]) for key in ("names", "speakers", "truth")}
        rows = tuple(tuple(row) for row in values["probabilities"])
        return FoldResult(**{**values, **lists, "probabilities": rows})
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MoodringError(f"finished fold '{path}' cannot be read: {error}; remove it") from None


def _write(path: Path, result: FoldResult) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_file(path, json.dumps(asdict(result)))
    except OSError as error:
        raise MoodringError(f"finished fold '{path}' cannot be written: {error}; set cache to another folder") from None


def _no_report(_: str) -> None:
    """Leave out the lines of single epochs."""
