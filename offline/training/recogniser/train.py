"""Train and judge the speech recogniser on a corpus: a linear model on summaries of utterances."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from ....configs.schema.errors import ConfigError
from ....configs.schema.train_recogniser import TrainRecogniserConfig
from ....models.contract import FloatArray, Head, ModelSpec, SpeechInput
from ....models.decoders.recogniser import ARCHITECTURE
from ....models.io.bundle import save_bundle
from ....models.signals.speech.voice_summary import functional_weights
from ...datasets.open import read_corpus
from ...evaluation.metrics import fit_temperature, score
from ...evaluation.splits import BothApart, GroupedKFold, IntArray, Items, LeaveOneGroupOut, Protocol, Split, audit
from ..common.ridge import CLIP, Linear, fit_linear
from .card import Judged, write_card
from .features import Cabinet, Numbers, Report, keep

_INNER_FOLDS = 3
_FOLDS_OF_BOTH = 4  # of speakers, where one is left out at a time but prompts are kept apart, too
_FEWEST_SPEAKERS = 3


@dataclass(frozen=True)
class Study:
    """One classification task on one corpus.

    Attributes
    ----------
    name : str
    classes : tuple of str
    labels : (n,) int64
        -1 for items of other classes.
    items : Items
    """

    name: str
    classes: tuple[str, ...]
    labels: IntArray
    items: Items

    @property
    def speakers(self) -> NDArray[np.str_]:
        """Who speaks each item."""
        return self.items.group("speaker")


def train_recogniser(config: TrainRecogniserConfig, out: Path, report: Report) -> list[Judged]:
    """Judge the recipe on speakers never trained on; then train on all of them and write bundle and card.

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
    studies = _studies(config, items)
    check_folds(config, items)
    cabinet = Cabinet(corpus, config.cache or out.with_suffix(".cache"), report)
    judged: list[Judged] = []
    for seed in config.seeds:
        numbers = cabinet.numbers(config.copies, seed)
        for study in studies:
            for protocol in _protocols(config, seed):
                held_out = judge(study, protocol, numbers, config, seed, cabinet)
                judged.extend(_scored(study, protocol, held_out, seed))
                report(f"seed {seed}, {study.name}, {protocol.describe()}: UAR {judged[-len(held_out)].scores.uar}")
    whole = studies[0]
    everybody = np.flatnonzero(whole.labels >= 0)
    numbers = cabinet.numbers(config.copies, config.seeds[0])
    temperature = _inner_temperature(whole, numbers, everybody, config)
    model = fit(whole, numbers, everybody, config)
    spec = _spec(config, whole, cabinet.sha256, temperature)
    save_bundle(out, spec, _tensors(model))
    write_card(out.with_suffix(".md"), spec, config, judged)
    report(f"wrote {out} ({out.stat().st_size / 1e3:.0f} kB) and {out.with_suffix('.md')}")
    return judged


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
            f"'{config.corpus}' has {speakers} speaker(s), and judging needs {_FEWEST_SPEAKERS}: one to test, two to "
            "train on and to calibrate between; record more, or say whose voices they are"
        )
    folds = config.folds or _FOLDS_OF_BOTH
    if folds < 2 or folds > speakers or speakers - -(-speakers // folds) < _FEWEST_SPEAKERS - 1:
        said = f"folds = {config.folds}" + ("" if config.folds else f" (with prompts apart: {folds})")
        raise ConfigError(
            f"{said} does not fit the {speakers} speakers: each fold needs one to test and two others to train on; "
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


def judge(
    study: Study, protocol: Protocol, numbers: Numbers, config: TrainRecogniserConfig, seed: int, cabinet: Cabinet
) -> dict[str, FloatArray]:
    """Give held-out calibrated logits ``(n, n_classes)`` under every condition, fold by fold; NaN where never tested.

    The temperature of a fold is fitted on its own training speakers, by models that had not heard them.
    """
    chosen = np.flatnonzero(study.labels >= 0)
    everything = study.items
    result = {name: np.full((len(study.labels), len(study.classes)), np.nan) for name in numbers.conditions}
    # What a setting does not change keeps its name in the cache.
    settings = config.model_dump_json(include={"copies", "penalty", "speaker_penalty"})
    if config.sex_weight:
        settings += f" sexes blended by {config.sex_weight}"
    for split in protocol.splits(everything):
        inside = Split(split.name, np.intersect1d(split.train, chosen), np.intersect1d(split.test, chosen))
        if not len(inside.test) or len(np.unique(study.labels[inside.train])) < len(study.classes):
            continue
        path = cabinet.path(f"fold {study.name} {protocol.describe()} {split.name} seed {seed} {settings}")
        if not path.is_file():
            audit(
                everything, inside, protocol.apart, {"scaling and weights": inside.train, "temperature": inside.train}
            )
            model = fit(study, numbers, inside.train, config)
            temperature = _inner_temperature(study, numbers, inside.train, config)
            keep(path, np.stack([model.scores(x[inside.test]) / temperature for x in numbers.conditions.values()]))
        for name, logits in zip(numbers.conditions, np.load(path, allow_pickle=False), strict=True):
            result[name][inside.test] = logits
    return result


def fit(study: Study, numbers: Numbers, train: IntArray, config: TrainRecogniserConfig) -> Linear:
    """Fit on some items and their copies."""
    sources = (numbers.conditions["whole"], *numbers.copies)
    return fit_linear(
        np.concatenate([source[train] for source in sources]),
        np.tile(study.labels[train], len(sources)),
        np.tile(study.speakers[train], len(sources)),
        len(study.classes),
        functional_weights(),
        config.penalty,
        config.speaker_penalty,
        np.tile(study.items.group("sex")[train] == "female", len(sources)) if config.sex_weight else None,
        config.sex_weight,
    )


def _tensors(model: Linear) -> dict[str, torch.Tensor]:
    arrays = {name: getattr(model, name) for name in ("mean", "scale", "weights", "bias")}
    if model.sexes is not None:
        arrays |= {
            "sex_weights": model.sexes.weights,
            "tell_weights": model.sexes.tell_weights,
            "tell_bias": model.sexes.tell_bias,
        }
    return {name: torch.from_numpy(np.asarray(value)) for name, value in arrays.items()} | {"clip": torch.tensor(CLIP)}


def _inner_temperature(study: Study, numbers: Numbers, train: IntArray, config: TrainRecogniserConfig) -> float:
    speakers = study.speakers[train]
    names = np.unique(speakers)
    logits = np.full((len(train), len(study.classes)), np.nan)
    plain = replace(numbers, copies=())
    for fold in range(_INNER_FOLDS):
        held = np.isin(speakers, names[fold::_INNER_FOLDS])
        if held.any() and len(np.unique(study.labels[train[~held]])) == len(study.classes):
            # Without the copies: a third of a fold's time instead of thrice it, for one number.
            logits[held] = fit(study, plain, train[~held], config).scores(numbers.conditions["whole"][train[held]])
    there = ~np.isnan(logits[:, 0])
    return fit_temperature(logits[there], study.labels[train[there]], list(speakers[there]))


def _scored(study: Study, protocol: Protocol, held_out: dict[str, FloatArray], seed: int) -> list[Judged]:
    judged = []
    for condition, logits in held_out.items():
        there = ~np.isnan(logits[:, 0])
        scores = score(study.labels[there], softmax(logits[there], axis=1), list(study.speakers[there]), seed)
        judged.append(Judged(study.name, protocol.describe(), condition, seed, scores))
    return judged


def _protocols(config: TrainRecogniserConfig, seed: int) -> tuple[Protocol, ...]:
    people: Protocol = GroupedKFold("speaker", config.folds, seed) if config.folds else LeaveOneGroupOut("speaker")
    return people, BothApart("speaker", "prompt", config.folds or _FOLDS_OF_BOTH, config.prompt_folds, seed)


def _studies(config: TrainRecogniserConfig, items: Items) -> tuple[Study, ...]:
    labels = items.group("emotion")
    for name in ("classes", "smaller_task"):
        absent = set(getattr(config, name)) - set(labels)
        if absent:
            raise ConfigError(f"{name} names {sorted(absent)}, which nobody speaks; name labels that are there")
    if config.sex_weight and "sex" not in items.groups:
        raise ConfigError(
            f"sex_weight = {config.sex_weight}, but '{config.corpus}' does not say whose voices are women's; set it to 0"
        )
    chosen = tuple(sorted(config.classes))
    tasks = {", ".join(chosen) or "all classes": chosen or tuple(np.unique(labels).tolist())}
    if config.smaller_task:
        tasks[", ".join(config.smaller_task)] = tuple(sorted(config.smaller_task))
    return tuple(
        Study(name, classes, np.array([classes.index(x) if x in classes else -1 for x in labels], np.int64), items)
        for name, classes in tasks.items()
    )


def _spec(config: TrainRecogniserConfig, study: Study, sha256: str, temperature: float) -> ModelSpec:
    speakers = ", ".join(np.unique(study.speakers))
    return ModelSpec(
        kind="speech",
        inputs=(SpeechInput(),),
        outputs=(Head("speech", "acted", study.classes, temperature=temperature),),
        label_source="the emotion that the actor was asked to express, per utterance",
        domain=(config.domain,),
        protocol=f"trained on all speakers ({speakers}); judged with speakers apart: see the card",
        data_hashes=(
            sha256,
            hashlib.sha256(config.model_dump_json(exclude={"data", "cache", "on_bad"}).encode()).hexdigest(),
        ),
        seed=config.seeds[0],
        network={"architecture": ARCHITECTURE, "numbers": len(functional_weights())},
    )
