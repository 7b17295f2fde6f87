"""Evaluate adaptation to a voice without labels, with speakers apart and on other corpora."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....configs.schema.errors import ConfigError
from ....configs.schema.train_recogniser import EvaluateVoiceAdaptationConfig, TrainRecogniserConfig
from ....models.contract import FloatArray
from ....models.decoders.recogniser import VoiceRecogniser
from ....models.decoders.voice_adaptation import VoiceHistory
from ....models.io.bundle import load_bundle, speech_bundle_path
from ...datasets.open_corpus import read_corpus
from ...training.common.stages import Stage
from ...training.recogniser.adaptation import adapted_logits
from ...training.recogniser.features import FEATURES, FeatureCache, FeatureSets, write_array
from ...training.recogniser.task import ClassificationTask
from ...training.recogniser.train import fit, fit_histories
from ..intervals import over_groups
from ..leakage import LeakageGuard
from ..splits import BothApart, IntArray, Items, LeaveOneGroupOut, Protocol, Split
from .corpora import FOUR, read_four
from .histories import (
    ANOTHER_SPEAKER,
    AS_SHIPPED,
    ENROLLED,
    IN_CORPUS_ORDER,
    IN_RANDOM_ORDER,
    STRESS_ORDERS,
    TWO_SPEAKERS,
    Speaker,
    answered,
    only_heard,
)
from .rows import ELSEWHERE, Row, as_plain

_FOLDS = Stage("voice adaptation folds", 1, (FEATURES,))
_PROMPTS_APART = "speakers and prompts apart"
_SPEAKERS_APART = "speakers apart"
Report = Callable[[str], None]


def evaluate_voice_adaptation(
    config: EvaluateVoiceAdaptationConfig, recipe: TrainRecogniserConfig, report: Report
) -> dict[str, Any]:
    """Evaluate, and return the content of ``--json``.

    Raises
    ------
    ConfigError
        No corpus is named.
    MoodringError
        A corpus cannot be read, or the bundle cannot adapt.
    """
    if config.data is None and config.nemo is None and config.ravdess is None:
        raise ConfigError(
            f"config '{config.name}' needs a corpus: add --set data=FOLDER, nemo=FOLDER or ravdess=FOLDER"
        )
    began = time.monotonic()
    rows: list[Row] = []
    if config.data is not None:
        rows += _at_home(config, recipe, config.data, report)
    for corpus, folder in (("nemo", config.nemo), ("ravdess", config.ravdess)):
        if folder is not None:
            rows += _elsewhere(config, corpus, folder, report)
    return {
        "protocol": "no label of a tested speaker is used; answers rest on the utterance and what was heard before it",
        "groups": sorted({f"{row.corpus} {speaker}" for row in rows for speaker in row.speakers.tolist()}),
        "n": sum({row.corpus: len(row.labels) for row in rows}.values()),
        "seeds": list(config.seeds),
        "domain": list(dict.fromkeys(row.corpus for row in rows)),
        "rows": [as_plain(row) for row in rows],
        "paired": list(_paired(rows)),
        "wall_s": round(time.monotonic() - began, 1),
    }


def _at_home(
    config: EvaluateVoiceAdaptationConfig, recipe: TrainRecogniserConfig, data: Path, report: Report
) -> list[Row]:
    """Cross-validate the recipe with speakers apart, and with prompts apart besides."""
    corpus = read_corpus(recipe.corpus, data, recipe.on_bad)
    items = Items.of(corpus.trials, subject="speaker", stimulus="prompt")
    emotions = items.group("emotion")
    classes = tuple(np.unique(emotions).tolist())
    task = ClassificationTask("all classes", classes, np.searchsorted(classes, emotions), items)
    cache = FeatureCache(corpus, config.cache, report)
    protocols: tuple[tuple[str, Callable[[int], Protocol], tuple[str, ...]], ...] = (
        (_SPEAKERS_APART, lambda _: LeaveOneGroupOut("speaker"), classes),
        (_PROMPTS_APART, lambda seed: BothApart("speaker", "prompt", 4, recipe.prompt_folds, seed), ()),
    )
    rows = []
    for name, protocol, stressed in protocols:
        draws: defaultdict[str, list[FloatArray]] = defaultdict(list)
        for seed in config.seeds:
            features = cache.features(recipe.copies, seed)
            for key, logits in _cross_validated(
                task, protocol(seed), features, recipe, seed, config.orders, stressed, cache
            ):
                draws[key].append(logits)
            report(f"seed {seed}, {name}: done")
        for key, found in draws.items():
            rows.append(
                Row(key, recipe.corpus, name, classes, task.labels, task.speakers, np.stack(found).astype(np.float64))
            )
    return rows


def _cross_validated(
    task: ClassificationTask,
    protocol: Protocol,
    features: FeatureSets,
    recipe: TrainRecogniserConfig,
    seed: int,
    orders: int,
    stressed: tuple[str, ...],
    cache: FeatureCache,
) -> Iterator[tuple[str, FloatArray]]:
    """Yield each row's draws over all items; what was heard of a tested speaker may be of any prompt."""
    found: dict[tuple[str, int], FloatArray] = {}
    settings = recipe.model_dump_json(include={"copies", "penalty", "speaker_penalty", "adaptation"})
    for split in protocol.splits(task.items):
        if len(np.unique(task.labels[split.train])) < len(task.classes):
            continue
        key = cache.path(_FOLDS, protocol.describe(), split.name, str(seed), str(orders), settings, features.digest)
        names = _row_names(stressed, orders)
        if not key.is_file():
            made = _fold(task, protocol, split, features, recipe, seed, orders, stressed)
            write_array(key, np.stack([made[name] for name in names]))
        for name, logits in zip(names, np.load(key, allow_pickle=False), strict=True):
            found.setdefault(name, np.full((len(task.labels), len(task.classes)), np.nan))[split.test] = logits
    yield from ((name, logits) for (name, _), logits in found.items())


def _row_names(stressed: tuple[str, ...], orders: int) -> list[tuple[str, int]]:
    names = [(AS_SHIPPED, 0), *((IN_RANDOM_ORDER, draw) for draw in range(orders)), (IN_CORPUS_ORDER, 0)]
    given = (ENROLLED, TWO_SPEAKERS, ANOTHER_SPEAKER, *map(only_heard, stressed)) if stressed else ()
    return [*names, *((name, draw) for draw in range(STRESS_ORDERS) for name in given)]


def _fold(
    task: ClassificationTask,
    protocol: Protocol,
    split: Split,
    features: FeatureSets,
    recipe: TrainRecogniserConfig,
    seed: int,
    orders: int,
    stressed: tuple[str, ...],
) -> dict[tuple[str, int], FloatArray]:
    guard = LeakageGuard(task.items, split, protocol.apart, (*features.conditions.values(), *features.copies))
    model = fit(task, features, split.train, recipe, (guard,))
    adapted = fit_histories(task, features, split.train, recipe, model, seed, (guard,))
    whole = features.conditions["whole"]
    made = {
        name: np.full((len(split.test), len(task.classes)), np.nan, np.float32) for name in _row_names(stressed, orders)
    }
    made[AS_SHIPPED, 0][:] = model.scores(whole[split.test])
    rng = np.random.default_rng((seed, len(split.test)))
    for name in np.unique(task.speakers[split.test]):
        own = np.flatnonzero(task.speakers == name)
        speaker = Speaker(whole[own], np.asarray(task.items.group("emotion"))[own], whole[split.train])
        taken: defaultdict[str, int] = defaultdict(int)
        judged = np.isin(own, split.test)
        place = np.searchsorted(split.test, own[judged])

        def answer(numbers: FloatArray, before: FloatArray) -> FloatArray:
            return adapted_logits(numbers, model, adapted, before)

        for row, logits in answered(speaker, answer, stressed, orders, rng):
            made[row, taken[row]][place] = logits[judged]
            taken[row] += 1
    return made


def _elsewhere(config: EvaluateVoiceAdaptationConfig, corpus: str, folder: Path, report: Report) -> list[Row]:
    """Answer with the bundle on another corpus, of four classes; calm counts as neutral."""
    read = read_four(corpus, folder, config.cache, report)
    numbers, labels, speakers = read.numbers, read.labels, read.speakers
    bundle = load_bundle(speech_bundle_path(config.bundle), "speech")
    recogniser, head = VoiceRecogniser(bundle), bundle.spec.head("speech")
    four = [head.classes.index(name) for name in FOUR]

    def answer(heard: FloatArray, before: FloatArray) -> FloatArray:
        voice, found = VoiceHistory(before), []
        for one in heard:
            found.append(recogniser.logits(one, voice)[four] / head.temperature)
            voice = voice.heard(one)
        return np.stack(found)

    draws: defaultdict[str, list[FloatArray]] = defaultdict(list)
    draws[AS_SHIPPED].append(np.stack([recogniser.logits(one, None)[four] / head.temperature for one in numbers]))
    rng = np.random.default_rng(config.seeds[0])
    for name in np.unique(speakers):
        own = np.flatnonzero(speakers == name)
        speaker = Speaker(numbers[own], np.asarray(FOUR)[labels[own]], numbers[speakers != name])
        taken: defaultdict[str, int] = defaultdict(int)
        for row, logits in answered(speaker, answer, FOUR, config.orders, rng):
            if taken[row] == len(draws[row]):
                draws[row].append(np.full((len(numbers), len(FOUR)), np.nan))
            draws[row][taken[row]][own] = logits
            taken[row] += 1
    report(f"{corpus}: {len(numbers)} utterances of {len(np.unique(speakers))} speakers")
    return [Row(name, corpus, ELSEWHERE, FOUR, labels, speakers, np.stack(found)) for name, found in draws.items()]


def _paired(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield the difference of each row to the one as shipped, over the files that it judges."""
    for row in rows:
        if row.name == AS_SHIPPED:
            continue
        shipped = next(
            one for one in rows if (one.corpus, one.protocol, one.name) == (row.corpus, row.protocol, AS_SHIPPED)
        )

        def gain(items: IntArray, row: Row = row, shipped: Row = shipped) -> float:
            there = [items[~np.isnan(draw[items, 0])] for draw in row.draws]
            return row.recall(items) - float(np.mean([shipped.recall(kept) for kept in there]))

        interval = over_groups(gain, row.speakers.tolist())
        yield {
            "a": row.name,
            "b": AS_SHIPPED,
            "corpus": row.corpus,
            "protocol": row.protocol,
            "difference": round(interval.value, 4),
            "low": round(interval.low, 4),
            "high": round(interval.high, 4),
        }
