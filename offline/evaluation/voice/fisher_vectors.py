"""Evaluate Fisher vectors of voices with a linear support vector machine, beside the recogniser on the same folds."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from ....configs.schema.errors import ConfigError, MoodringError
from ....configs.schema.papers.fisher_vectors import FisherVectorsConfig
from ....configs.schema.train_recogniser import TrainRecogniserConfig
from ....models.contract import FloatArray
from ....models.decoders.voice_activity import VoiceActivity
from ...datasets.open_corpus import read_corpus
from ...datasets.speech_corpus import SpeechCorpus
from ...training.fisher_vectors.descriptors import descriptors
from ...training.fisher_vectors.encoder import FisherEncoder
from ...training.recogniser.features import FeatureCache, FeatureSets, trim_silence
from ...training.recogniser.task import ClassificationTask
from ...training.recogniser.train import (
    check_folds,
    classification_tasks,
    cross_validate,
    held_out_protocols,
)
from ..intervals import over_groups
from ..leakage import LeakageGuard
from ..markdown import markdown_table
from ..metrics import uar
from ..result import evaluation_values
from ..splits import IntArray, Items, Protocol, Split

FISHER, RECOGNISER = "Fisher vectors, linear SVM", "recogniser"
NEUTRAL = "neutral"
_INNER_FOLDS = 3
Report = Callable[[str], None]


@dataclass(frozen=True)
class _Answers:
    """Classes that one system says of every item under one protocol, -1 where it was not tested, for each seed."""

    system: str
    protocol: str
    said: tuple[IntArray, ...]


def evaluate_fisher_vectors(
    config: FisherVectorsConfig, recipe: TrainRecogniserConfig, report: Report
) -> dict[str, Any]:
    """Return the values of the JSON of an evaluation.

    Raises
    ------
    ConfigError
        No folder is given, or the recipe is of another corpus.
    MoodringError
        The corpus is not there or has bad files, nobody speaks neutrally, or a split leaks.
    """
    if config.data is None:
        raise ConfigError(f"config '{config.name}' needs the corpus's folder: add --set data=FOLDER")
    began = time.monotonic()
    used = recipe.model_copy(
        update={"corpus": config.corpus, "seeds": config.seeds, "smaller_task": (), "adaptation": None}
        | ({} if config.copies else {"copies": ()})
    )
    corpus = read_corpus(config.corpus, config.data, config.on_bad)
    items = Items.of(corpus.trials, subject="speaker", stimulus="prompt")
    check_folds(used, items)
    (task,) = classification_tasks(used, items)
    if NEUTRAL not in task.classes:
        raise MoodringError(
            f"'{config.corpus}' has no neutral speech, by which descriptors are z-scored; use another corpus"
        )
    utterances = _measured(corpus, report)
    cache = FeatureCache(corpus, config.cache, report)
    answers = []
    for number, name in enumerate(protocol.describe() for protocol in held_out_protocols(used, config.seeds[0])):
        ours, theirs = [], []
        for seed in config.seeds:
            protocol = held_out_protocols(used, seed)[number]
            ours.append(_cross_validated(task, protocol, utterances, config, seed))
            report(f"seed {seed}, {protocol.describe()}: {FISHER} UAR {_recall(task, ours[-1]):.3f}")
            features = cache.features(used.copies, seed) if config.copies else FeatureSets({"whole": cache.whole()}, ())
            logits = cross_validate(task, protocol, features, used, seed, cache)["whole"]
            theirs.append(np.where(np.isnan(logits[:, 0]), -1, np.nan_to_num(logits).argmax(axis=1)))
            report(f"seed {seed}, {protocol.describe()}: {RECOGNISER} UAR {_recall(task, theirs[-1]):.3f}")
        answers += [_Answers(FISHER, name, tuple(ours)), _Answers(RECOGNISER, name, tuple(theirs))]
    return _values(config, task, answers, time.monotonic() - began)


def table(values: Mapping[str, Any]) -> str:
    """Return an evaluation as tables in Markdown."""
    rows = [
        (one["name"], one["protocol"], f"**{one['uar']:.3f}** [{one['low']:.3f}, {one['high']:.3f}]")
        for one in values["rows"]
    ]
    differences = [
        (
            f"{one['a']} − {one['b']}",
            one["protocol"],
            f"{one['difference']:+.3f} [{one['low']:+.3f}, {one['high']:+.3f}]",
        )
        for one in values["paired"]
    ]
    return "\n\n".join(
        (
            markdown_table(("system", "protocol", "UAR [95 % over speakers]"), rows),
            markdown_table(("difference", "protocol", "UAR [95 % over speakers]"), differences),
        )
    )


def _measured(corpus: SpeechCorpus, report: Report) -> list[FloatArray]:
    voice = VoiceActivity()
    found = [descriptors(trim_silence(corpus.load(trial), voice)) for trial in corpus.trials]
    report(f"measured descriptors of {len(found)} utterances")
    return found


def _cross_validated(
    task: ClassificationTask,
    protocol: Protocol,
    utterances: Sequence[FloatArray],
    config: FisherVectorsConfig,
    seed: int,
) -> IntArray:
    """Return the class said of every item by a model that met neither it nor what the protocol keeps apart."""
    said = np.full(len(task.labels), -1)
    chosen = np.flatnonzero(task.labels >= 0)
    for split in protocol.splits(task.items):
        train, test = np.intersect1d(split.train, chosen), np.intersect1d(split.test, chosen)
        if not len(test) or len(np.unique(task.labels[train])) < len(task.classes):
            continue
        guard = LeakageGuard(task.items, Split(split.name, train, test), protocol.apart, [utterances])
        guard.check("Gaussian mixture", [utterances[i] for i in train])
        neutral = task.labels[train] == task.classes.index(NEUTRAL)
        encoder = FisherEncoder(
            [utterances[i] for i in train], neutral.tolist(), config.components, config.most_frames, seed
        )
        vectors = np.stack([encoder.encode(utterances[i]) for i in np.concatenate((train, test))])
        known, labels = vectors[: len(train)], task.labels[train]
        penalty = _chosen_penalty(known, labels, task.speakers[train], config.penalties)
        said[test] = _svm(known, labels, penalty).predict(vectors[len(train) :])
    return said


def _chosen_penalty(
    vectors: NDArray[np.float64], labels: IntArray, speakers: NDArray[np.str_], penalties: Sequence[float]
) -> float:
    """Return the penalty that is best on training speakers left out in turn."""
    names = np.unique(speakers)
    recalls = []
    for penalty in penalties:
        said = np.full_like(labels, -1)
        for fold in range(min(_INNER_FOLDS, len(names))):
            held = np.isin(speakers, names[fold::_INNER_FOLDS])
            said[held] = _svm(vectors[~held], labels[~held], penalty).predict(vectors[held])
        recalls.append(uar(labels, said))
    return penalties[int(np.argmax(recalls))]


def _svm(vectors: NDArray[np.float64], labels: IntArray, penalty: float) -> LinearSVC:
    return LinearSVC(C=penalty, class_weight="balanced", random_state=0).fit(vectors, labels)


def _recall(task: ClassificationTask, said: IntArray, items: IntArray | None = None) -> float:
    index = np.arange(len(said)) if items is None else items
    index = index[said[index] >= 0]
    return uar(task.labels[index], said[index])


def _values(
    config: FisherVectorsConfig, task: ClassificationTask, answers: Sequence[_Answers], wall_s: float
) -> dict[str, Any]:
    speakers = list(task.speakers)

    def mean(one: _Answers, items: IntArray) -> float:
        return float(np.mean([_recall(task, said, items) for said in one.said]))

    rows, paired = [], []
    for one in answers:
        found = over_groups(lambda items, one=one: mean(one, items), speakers).within(0.0, 1.0)  # type: ignore[misc]
        rows.append(
            {
                **{"name": one.system, "protocol": one.protocol, "classes": task.classes},
                **{"uar": found.value, "low": found.low, "high": found.high},
                "by_seed": [_recall(task, said) for said in one.said],
            }
        )
    for a, b in zip(answers[::2], answers[1::2], strict=True):
        found = over_groups(lambda items, a=a, b=b: mean(a, items) - mean(b, items), speakers)  # type: ignore[misc]
        ends = {"difference": found.value, "low": found.low, "high": found.high}
        paired.append({"a": a.system, "b": b.system, "protocol": a.protocol, **ends})
    return evaluation_values(
        protocol="; ".join(dict.fromkeys(one.protocol for one in answers)),
        groups=sorted(set(speakers)),
        n=int((task.labels >= 0).sum()),
        seeds=config.seeds,
        domain=[config.corpus],
        rows=rows,
        paired=paired,
        wall_s=wall_s,
    )
