"""Train the speech recogniser on a corpus, and test it on held-out speakers."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from ....configs.schema.errors import ConfigError, MoodringError
from ....configs.schema.train_recogniser import TrainRecogniserConfig
from ....models.contract import FloatArray, Head, ModelSpec, SpeechInput
from ....models.decoders.recogniser import ADAPTED_TEMPERATURE, ADAPTED_TENSORS, ARCHITECTURE
from ....models.decoders.voice_adaptation import AdaptedModel
from ....models.io.bundle import save_bundle
from ....models.signals.speech.voice_summary import VOICE_NUMBERS, functional_weights
from ...datasets.open_corpus import read_corpus
from ...evaluation.leakage import LeakageGuard
from ...evaluation.metrics import fit_temperature, fit_temperature_of_winner, score
from ...evaluation.splits import BothApart, GroupedKFold, IntArray, Items, LeaveOneGroupOut, Protocol, Split
from ..common.ridge import CLIP, Linear, fit_linear
from ..common.stages import Stage
from .adaptation import adapted_logits, fit_adapted
from .card import HeldOutScores, write_recogniser_card
from .features import FEATURES, FeatureCache, FeatureSets, Report, write_array
from .task import ClassificationTask, less_one_class

FOLDS = Stage("recogniser folds", 2, (FEATURES,))
"""Raise its version whenever the same features and settings give other logits."""
_INNER_FOLDS = 3
_FOLDS_OF_BOTH = 4  # of speakers, where one is left out at a time but prompts are kept apart, too
_FEWEST_SPEAKERS = 3


def train_recogniser(config: TrainRecogniserConfig, out: Path, report: Report) -> list[HeldOutScores]:
    """Test the recipe on held-out speakers; then train on all of them and write bundle and card.

    What is computed is kept in ``config.cache`` (else beside ``out``), so that an interrupted run goes on.

    Raises
    ------
    MoodringError
        The corpus is not there, has bad files, or too few speakers or prompts for the folds; a split leaks, or a file
        cannot be written.
    """
    if config.data is None:
        raise ConfigError(f"config '{config.name}' needs the corpus's folder: add --set data=FOLDER")
    corpus = read_corpus(config.corpus, config.data, config.on_bad)
    for problem in corpus.problems:
        report(f"left out: {problem}")
    # Before anything is measured, which takes minutes.
    items = Items.of(corpus.trials, subject="speaker", stimulus="prompt")
    tasks = classification_tasks(config, items)
    check_folds(config, items)
    cache = FeatureCache(corpus, config.cache or out.with_suffix(".cache"), report)
    scores: list[HeldOutScores] = []
    for seed in config.seeds:
        features = cache.features(config.copies, seed)
        for task in tasks:
            for protocol in held_out_protocols(config, seed):
                held_out = cross_validate(task, protocol, features, config, seed, cache)
                scores.extend(_score(task, protocol, held_out, seed))
                report(f"seed {seed}, {task.name}, {protocol.describe()}: UAR {scores[-len(held_out)].scores.uar}")
    whole = tasks[0]
    everybody = np.flatnonzero(whole.labels >= 0)
    features = cache.features(config.copies, config.seeds[0])
    temperature = _inner_temperature(whole, features, everybody, config)
    away = temperature_away(whole, features, config)
    model = fit(whole, features, everybody, config)
    tensors = _tensors(model)
    spec = _spec(config, whole, cache.sha256, temperature, away)
    if config.adaptation is not None:
        adapted = fit_histories(whole, features, everybody, config, model, config.seeds[0])
        tensors |= {name: torch.from_numpy(getattr(adapted, name.removeprefix("adapted_"))) for name in ADAPTED_TENSORS}
        adapted_away = adapted_temperature_away(whole, features, config)
        spec = replace(spec, network={**spec.network, ADAPTED_TEMPERATURE: round(adapted_away, 4)})
    save_bundle(out, spec, tensors)
    write_recogniser_card(out.with_suffix(".md"), spec, config, scores)
    report(f"wrote {out} ({out.stat().st_size / 1e3:.0f} kB) and {out.with_suffix('.md')}")
    return scores


def check_folds(config: TrainRecogniserConfig, items: Items) -> None:
    """Refuse folds that the corpus has too few speakers or prompts for.

    Raises
    ------
    ConfigError
        With the key to set, and to what.
    """
    speakers, prompts = (len(np.unique(items.group(name))) for name in ("speaker", "prompt"))
    if speakers < _FEWEST_SPEAKERS:
        raise ConfigError(
            f"'{config.corpus}' has {speakers} speaker(s), and testing needs {_FEWEST_SPEAKERS}: one to test, two to "
            "train on and to calibrate between; record more, or name the speakers"
        )
    folds = config.folds or _FOLDS_OF_BOTH
    if folds < 2 or folds > speakers or speakers - -(-speakers // folds) < _FEWEST_SPEAKERS - 1:
        wanted = f"folds = {config.folds}" + ("" if config.folds else f" (with prompts apart: {folds})")
        raise ConfigError(
            f"{wanted} does not fit the {speakers} speakers: each fold needs one to test and two others to train on; "
            f"set folds = {min(speakers, folds) if folds > 2 else 3}"
        )
    if prompts < 2:
        raise ConfigError(
            "everybody says the same prompt, so that none can be kept apart; name prompts (see docs/speech.md)"
        )
    if config.prompt_folds > prompts:
        raise ConfigError(
            f"prompt_folds = {config.prompt_folds}, but there are {prompts} prompts; set prompt_folds = {prompts}"
        )


def cross_validate(
    task: ClassificationTask,
    protocol: Protocol,
    features: FeatureSets,
    config: TrainRecogniserConfig,
    seed: int,
    cache: FeatureCache,
) -> dict[str, FloatArray]:
    """Return held-out calibrated logits ``(n, n_classes)`` under every condition, fold by fold; NaN where never tested.

    A fold is found again by the very features that it was trained on. Its temperature is fitted on its own training
    speakers, by models that were not trained on them.
    """
    chosen = np.flatnonzero(task.labels >= 0)
    everything = task.items
    result = {name: np.full((len(task.labels), len(task.classes)), np.nan) for name in features.conditions}
    settings = config.model_dump_json(include={"copies", "penalty", "speaker_penalty", "sex_weight"})
    for split in protocol.splits(everything):
        inside = Split(split.name, np.intersect1d(split.train, chosen), np.intersect1d(split.test, chosen))
        if not len(inside.test) or len(np.unique(task.labels[inside.train])) < len(task.classes):
            continue
        path = cache.path(FOLDS, task.name, protocol.describe(), split.name, str(seed), settings, features.digest)
        if not path.is_file():
            guard = LeakageGuard(everything, inside, protocol.apart, (*features.conditions.values(), *features.copies))
            model = fit(task, features, inside.train, config, (guard,))
            temperature = _inner_temperature(task, features, inside.train, config, (guard,))
            write_array(
                path, np.stack([model.scores(x[inside.test]) / temperature for x in features.conditions.values()])
            )
        for name, logits in zip(features.conditions, np.load(path, allow_pickle=False), strict=True):
            result[name][inside.test] = logits
    return result


def fit(
    task: ClassificationTask,
    features: FeatureSets,
    train: IntArray,
    config: TrainRecogniserConfig,
    guards: Sequence[LeakageGuard] = (),
) -> Linear:
    """Fit on some items and their copies; stop where one of the rows is of an item that a guard keeps for testing."""
    sources = (features.conditions["whole"], *features.copies)
    rows = np.concatenate([source[train] for source in sources])
    for guard in guards:
        guard.check("scaling and weights", rows)
    return fit_linear(
        rows,
        np.tile(task.labels[train], len(sources)),
        np.tile(task.speakers[train], len(sources)),
        len(task.classes),
        functional_weights(),
        config.penalty,
        config.speaker_penalty,
        np.tile(task.items.group("sex")[train] == "female", len(sources)) if config.sex_weight else None,
        config.sex_weight,
    )


def fit_histories(
    task: ClassificationTask,
    features: FeatureSets,
    train: IntArray,
    config: TrainRecogniserConfig,
    model: Linear,
    seed: int,
    guards: Sequence[LeakageGuard] = (),
) -> AdaptedModel:
    """Fit the adapted model on histories of some items and their copies, beside a model of the same items."""
    if config.adaptation is None:
        raise ConfigError(f"config '{config.name}' has no section [adaptation]; add one")
    sources = [source[train] for source in (features.conditions["whole"], *features.copies)]
    for guard in guards:
        guard.check("adapted weights", np.concatenate(sources))
    labels, speakers = task.labels[train], task.speakers[train]
    return fit_adapted(sources, labels, speakers, len(task.classes), model, config.adaptation, seed)


def _tensors(model: Linear) -> dict[str, torch.Tensor]:
    arrays = {name: getattr(model, name) for name in ("mean", "scale", "weights", "bias")}
    if model.sexes is not None:
        arrays |= {
            "sex_weights": model.sexes.weights,
            "tell_weights": model.sexes.tell_weights,
            "tell_bias": model.sexes.tell_bias,
        }
    return {name: torch.from_numpy(np.asarray(value)) for name, value in arrays.items()} | {"clip": torch.tensor(CLIP)}


def _inner_temperature(
    task: ClassificationTask,
    features: FeatureSets,
    train: IntArray,
    config: TrainRecogniserConfig,
    guards: Sequence[LeakageGuard] = (),
) -> float:
    """Return the temperature at home: on other speakers of the same corpus, as they were recorded."""
    names = np.unique(task.speakers[train])
    held = [np.isin(task.speakers[train], names[fold::_INNER_FOLDS]) for fold in range(_INNER_FOLDS)]
    # Without the copies: a third of a fold's time instead of thrice it, for one number.
    plain = replace(features, copies=())
    return _held_out_temperature(task, plain, ("whole",), train, held, config, guards)


def temperature_away(task: ClassificationTask, features: FeatureSets, config: TrainRecogniserConfig) -> float:
    """Return the temperature away from home: on people unlike those trained on, under every condition of the test.

    Women are judged by models of men's voices and the other way round, where the corpus says whose is which, else one
    third of the speakers by the others. A temperature that holds on the same corpus leaves a model too sure elsewhere
    (Ovadia et al. 2019, Can you trust your model's uncertainty?, https://arxiv.org/abs/1906.02530).
    """
    train = np.flatnonzero(task.labels >= 0)
    held = _unlike(task, train)
    return _held_out_temperature(task, features, tuple(features.conditions), train, held, config)


def adapted_temperature_away(task: ClassificationTask, features: FeatureSets, config: TrainRecogniserConfig) -> float:
    """Return the temperature of adapted logits, on people unlike those trained on, one of whose emotions is unknown.

    The people are of the other sex and say other sentences; each speaker's utterances are heard in random order, those
    of one condition one after the other. Each class in turn is left out of the training and heard all the same: what
    another corpus calls sadness may be nothing that these speakers showed. No answer to it is right, so the temperature
    is the one at which the winning class is right as often as its probability says (of two classes, none is left out).
    """
    train = np.flatnonzero(task.labels >= 0)
    prompts = task.items.group("prompt")[train]
    half = np.isin(prompts, np.unique(prompts)[::2])
    rng = np.random.default_rng(config.seeds[0])
    logits: list[FloatArray] = []
    judged: list[IntArray] = []
    speakers: list[str] = []
    for people, said in product(_unlike(task, train), (~half, half)):
        others, held = train[~people & ~said], train[people & said]
        if len(np.unique(task.labels[others])) < len(task.classes):
            continue
        for known in less_one_class(task):
            kept = others[known.labels[others] >= 0]
            model = fit(known, features, kept, config)
            adapted = fit_histories(known, features, kept, config, model, config.seeds[0])
            for speaker in np.unique(task.speakers[held]):
                order = rng.permutation(held[task.speakers[held] == speaker])
                for rows in features.conditions.values():
                    logits.append(adapted_logits(rows[order], model, adapted))
                    judged.append(known.labels[order])
                    speakers.extend([str(speaker)] * len(order))
    if not logits:
        raise MoodringError(
            "no temperature of adapted answers can be fitted: half of the people lack a class in half of the "
            "sentences; record more, or leave out [adaptation]"
        )
    return fit_temperature_of_winner(np.concatenate(logits), np.concatenate(judged), speakers)


def _unlike(task: ClassificationTask, train: IntArray) -> list[NDArray[np.bool_]]:
    """Return masks of items by people unlike the others: of one sex, or a third where nobody's sex is said."""
    groups = task.items.group("sex" if "sex" in task.items.groups else "speaker")[train]
    names = np.unique(groups)
    n = min(len(names), _INNER_FOLDS)
    return [np.isin(groups, names[part::n]) for part in range(n)]


def _held_out_temperature(
    task: ClassificationTask,
    features: FeatureSets,
    conditions: Sequence[str],
    train: IntArray,
    folds: Sequence[NDArray[np.bool_]],
    config: TrainRecogniserConfig,
    guards: Sequence[LeakageGuard] = (),
) -> float:
    """Fit a temperature on what models say, under some conditions, of folds of items that they were not trained on."""
    logits: list[FloatArray] = []
    judged: list[IntArray] = []
    for number, held in enumerate(folds, 1):
        if held.any() and len(np.unique(task.labels[train[~held]])) == len(task.classes):
            split = Split(f"temperature, fold {number}", train[~held], train[held])
            inner = LeakageGuard(task.items, split, ("speaker",), features.conditions.values())
            model = fit(task, features, train[~held], config, (*guards, inner))
            for name in conditions:
                rows = features.conditions[name][train[held]]
                for guard in guards:
                    guard.check("temperature", rows)
                logits.append(model.scores(rows))
                judged.append(train[held])
    if not logits:
        raise MoodringError(
            "no temperature can be fitted: no group of speakers can be left out without losing a class; record more"
        )
    items = np.concatenate(judged)
    return fit_temperature(np.concatenate(logits), task.labels[items], list(task.speakers[items]))


def _score(
    task: ClassificationTask, protocol: Protocol, held_out: dict[str, FloatArray], seed: int
) -> list[HeldOutScores]:
    found = []
    for condition, logits in held_out.items():
        there = ~np.isnan(logits[:, 0])
        probabilities = softmax(logits[there], axis=1)
        scores = score(task.labels[there], probabilities, list(task.speakers[there]), seed)
        found.append(HeldOutScores(task.name, protocol.describe(), condition, seed, scores))
    return found


def held_out_protocols(config: TrainRecogniserConfig, seed: int) -> tuple[Protocol, ...]:
    """Return the protocols that a recipe is tested under: speakers apart, and speakers and prompts apart."""
    people: Protocol = GroupedKFold("speaker", config.folds, seed) if config.folds else LeaveOneGroupOut("speaker")
    return people, BothApart("speaker", "prompt", config.folds or _FOLDS_OF_BOTH, config.prompt_folds, seed)


def classification_tasks(config: TrainRecogniserConfig, items: Items) -> tuple[ClassificationTask, ...]:
    """Return the tasks of a recipe: all its classes, then the smaller task where it names one.

    Raises
    ------
    ConfigError
        It names a class that nobody speaks, or weighs sexes that the corpus does not tell.
    """
    labels = items.group("emotion")
    for name in ("classes", "smaller_task"):
        absent = set(getattr(config, name)) - set(labels)
        if absent:
            raise ConfigError(f"{name} names {sorted(absent)}, which nobody speaks; name labels that are there")
    if config.sex_weight and "sex" not in items.groups:
        raise ConfigError(
            f"sex_weight = {config.sex_weight}, but '{config.corpus}' does not say whose voices are women's; set it "
            "to 0"
        )
    chosen = tuple(sorted(config.classes))
    tasks = {", ".join(chosen) or "all classes": chosen or tuple(np.unique(labels).tolist())}
    if config.smaller_task:
        tasks[", ".join(config.smaller_task)] = tuple(sorted(config.smaller_task))
    return tuple(
        ClassificationTask(
            name, classes, np.array([classes.index(x) if x in classes else -1 for x in labels], np.int64), items
        )
        for name, classes in tasks.items()
    )


def _spec(
    config: TrainRecogniserConfig, task: ClassificationTask, sha256: str, temperature: float, away: float
) -> ModelSpec:
    speakers = ", ".join(np.unique(task.speakers))
    return ModelSpec(
        kind="speech",
        inputs=(SpeechInput(),),
        outputs=(Head("speech", "acted", task.classes, temperature=max(temperature, away)),),
        label_source="the emotion that the actor was asked to express, per utterance",
        domain=(config.domain,),
        protocol=f"trained on all speakers ({speakers}); scores with speakers apart: see the card",
        data_hashes=(
            sha256,
            hashlib.sha256(config.model_dump_json(exclude={"data", "cache", "on_bad"}).encode()).hexdigest(),
        ),
        seed=config.seeds[0],
        network={
            "architecture": ARCHITECTURE,
            "numbers": len(functional_weights()),
            "voice_numbers": VOICE_NUMBERS,
            "temperature_at_home": round(temperature, 4),
        },
    )
