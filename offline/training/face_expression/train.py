"""Train the face-expression network on FER2013's labels and FER+'s votes together, and write bundle and card."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ....configs.schema.errors import ConfigError
from ....configs.schema.train_faces import TrainFacesConfig
from ....models.contract import FaceInput, FloatArray, Head, Image, ModelSpec
from ....models.decoders.face_expression import (
    AROUSAL,
    CONSTRUCT,
    EMOTION,
    KIND,
    LABELS,
    MIRRORED,
    NETWORK_HEADS,
    VALENCE,
    FaceExpressionDecoder,
    probabilities,
)
from ....models.io.bundle import Bundle, load_bundle, save_bundle
from ....models.networks.face_expression import SIDE, FaceExpressionNetwork
from ...datasets.faces import fer2013
from ...evaluation.faces.evaluate import batched_logits, milliseconds_a_face, score_faces
from ...evaluation.faces.judged import JudgedFaces, as_read
from ...evaluation.metrics import conformal_threshold, fit_temperature
from ..common.optimization import AveragedSgd, Report, generator_for
from ..common.stage_cache import StageCache
from ..common.stage_run import StageRun
from ..common.stages import Stage
from .augment import Changes, augmented
from .card import FaceResults, write_face_card
from .data import FaceParts, aligned, split

EXPRESSIONS = Stage("expressions", 1)
SETTLING = Stage("settling", 1, (EXPRESSIONS,))
"""Raise their versions whenever the same pictures and settings give other weights."""
CLASSES = {EMOTION: fer2013.EMOTIONS, LABELS: fer2013.CLASSES}
HEADS = {NETWORK_HEADS[name]: len(classes) for name, classes in CLASSES.items()}
FRAME_RATE_HZ = 8.0  # of the grid on which this project looks at faces; the network itself has no memory
_SETTINGS = {
    *("seed", "held_out", "epochs", "batch", "learning_rate", "weight_decay", "dropout", "repeats", "votes_share"),
    *("changes", "moved", "mixed", "aligned", "bfloat16"),
}
_MIXING = 0.3  # both parameters of the beta distribution
_LOOKED_AT_EVERY = 4  # epochs


def train_faces(config: TrainFacesConfig, out: Path, report: Report) -> None:
    """Train, calibrate on held-out photographs, and write bundle and card.

    Raises
    ------
    MoodringError
        The set is not there or damaged, a photograph is in two parts, the bundle to begin with does not fit, or a file
        cannot be written.
    """
    if config.data is None:
        raise ConfigError(f"config '{config.name}' needs FER2013's folder: add --set data=FOLDER")
    report("reading FER2013, and finding copies in it")
    pictures = fer2013.read(config.data)
    start = None if config.start is None else start_bundle(config.start, config, pictures.sha256)
    parts = split(pictures, config)
    for one in parts.dropped:
        report(f"left out of training: {one}")
    folder = config.cache or out.with_suffix(".cache")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"the folder '{folder}' for what is kept cannot be made: {error.strerror}") from None
    if config.aligned:
        report(f"aligning {len(parts.train.crops)} faces to train on")
        parts = replace(parts, train=aligned(parts.train, folder))
    network = _trained(parts, config, start, (pictures.sha256, folder), report)
    favour_rare(network, parts.train.labels.mean(axis=0), config.prior)
    bundle = calibrated(uncalibrated(network, config, pictures.sha256, out.name, start), parts.held_out)
    save_bundle(out, bundle.spec, bundle.tensors)
    report(f"wrote {out} ({out.stat().st_size / 1e6:.1f} MB); its figures follow")
    decoder = FaceExpressionDecoder(bundle, torch.device("cpu"))
    results = FaceResults(
        trained=len(parts.train.crops),
        dropped=parts.dropped,
        held_out=score_faces(decoder, parts.held_out, config.seed, report, plain_only=True),
        test=score_faces(decoder, parts.test, config.seed, report),
        ms_a_face=milliseconds_a_face(decoder),
    )
    write_face_card(out.with_suffix(".md"), bundle.spec, config, results)
    report(f"wrote {out.with_suffix('.md')}")


def start_bundle(path: Path, config: TrainFacesConfig, data: str) -> Bundle:
    """Return the bundle whose weights a training begins with.

    Raises
    ------
    ConfigError
        It is of another kind, or was trained on photographs that are held out here.
    """
    bundle = load_bundle(path)
    if bundle.spec.kind != KIND:
        raise ConfigError(f"start: '{path}' is a bundle of kind '{bundle.spec.kind}'; one of kind '{KIND}' is needed")
    if (bundle.spec.data_hashes, bundle.spec.seed, bundle.spec.network["held_out"]) != (
        (data,),
        config.seed,
        config.held_out,
    ):
        raise ConfigError(
            f"start: '{path}' was trained on other pictures, or with another seed or share held out, and may know "
            "photographs that are held out here; use its data, seed and held_out, or begin without a start"
        )
    return bundle


def _trained(
    parts: FaceParts, config: TrainFacesConfig, start: Bundle | None, kept: tuple[str, Path], report: Report
) -> FaceExpressionNetwork:
    """Return the network after its cycles; ``kept`` is the hash of the data and the folder of what is kept."""
    torch.manual_seed(config.seed)
    network = FaceExpressionNetwork(HEADS, config.dropout)
    if start is not None:
        network.load_state_dict(dict(start.tensors))  # half precision becomes single
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    data, folder = kept
    cache = StageCache(network, folder, (data, None if start is None else start.sha256), report)
    settings = config.model_dump(mode="json", include=_SETTINGS)
    cycle = Cycle(config.epochs, config.learning_rate, config.changes, config.mixed)
    cache.run(EXPRESSIONS, settings, lambda run: _fit(network, parts, config, cycle, run))
    if config.settling.epochs:
        first = {name: value.clone() for name, value in network.state_dict().items()}
        last = Cycle(**config.settling.model_dump())
        cache.run(SETTLING, config.settling.model_dump(), lambda run: _fit(network, parts, config, last, run))
        network.load_state_dict(mean_weights(first, network.state_dict()))
    return network


def mean_weights(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the mean of two states of one network (Wortsman et al. 2022, Model soups, arXiv 2203.05482)."""
    return {name: (value + other[name]) / 2 if value.is_floating_point() else value for name, value in one.items()}


def favour_rare(network: FaceExpressionNetwork, frequencies: FloatArray, share: float) -> None:
    """Take a share of the labels' log frequencies from FER2013's logits (Menon et al. 2021, arXiv 2007.07314)."""
    head = network.heads[NETWORK_HEADS[LABELS]]
    assert isinstance(head, nn.Linear)  # noqa: S101 - for the type alone
    with torch.no_grad():
        head.bias.sub_(share * torch.log(torch.from_numpy(frequencies)))


def calibrated(bundle: Bundle, faces: JudgedFaces) -> Bundle:
    """Return the bundle with the temperatures and thresholds that fit faces it was not trained on."""
    decoder = FaceExpressionDecoder(bundle, torch.device("cpu"))
    logits = batched_logits(decoder, as_read(faces.crops, faces.places))
    heads = []
    for head in bundle.spec.outputs:
        if head.name in CLASSES:
            truth = faces.emotions if head.name == EMOTION else faces.labels
            known = np.flatnonzero(truth >= 0)
            groups = [str(one) for one in faces.photographs[known]]
            found = replace(head, temperature=fit_temperature(logits[head.name][known], truth[known], groups))
            given = probabilities(logits[head.name][known], found)
            heads.append(replace(found, conformal_threshold=conformal_threshold(truth[known], given, groups)))
        else:
            heads.append(head)
    return replace(bundle, spec=replace(bundle.spec, outputs=tuple(heads)))


def uncalibrated(
    network: FaceExpressionNetwork, config: TrainFacesConfig, data: str, name: str, start: Bundle | None = None
) -> Bundle:
    """Return the bundle of a network before its calibration, with weights of half precision."""
    tensors = {
        key: value.to(torch.float16) if value.is_floating_point() else value
        for key, value in network.state_dict().items()
    }
    spec = ModelSpec(
        kind=KIND,
        inputs=(FaceInput(FRAME_RATE_HZ, SIDE),),
        outputs=(
            Head(EMOTION, CONSTRUCT, CLASSES[EMOTION]),
            Head(LABELS, CONSTRUCT, CLASSES[LABELS]),
            Head(VALENCE, CONSTRUCT, scale=(-1.0, 1.0)),
            Head(AROUSAL, CONSTRUCT, scale=(-1.0, 1.0)),
        ),
        label_source=(
            f"{EMOTION}: votes of ten raters a picture (FER+), as shares; {LABELS}: FER2013's labels; valence and "
            "arousal: the emotions' places on the circumplex, rated by nobody"
        ),
        domain=(config.domain,),
        protocol=(
            "train part of FER2013 without copies of its test part; a share of its photographs held out for "
            "temperatures and choices; nobody knows whether a person is on both sides"
        ),
        data_hashes=(data,),
        seed=config.seed,
        network={
            **{"epochs": config.epochs, "batch": config.batch, "held_out": config.held_out},
            **({MIRRORED: 1} if config.mirrored else {}),
            **({} if start is None else {"start": start.sha256}),
        },
    )
    return Bundle(spec, tensors, "", name)


@dataclass(frozen=True)
class Cycle:
    """One rise and fall of the learning rate: see the keys of the config by these names."""

    epochs: int
    learning_rate: float
    changes: float
    mixed: float


def _fit(
    network: FaceExpressionNetwork, parts: FaceParts, config: TrainFacesConfig, cycle: Cycle, run: StageRun
) -> None:
    """Train a network in place; each epoch shows every picture once, rare emotions more often."""
    train = parts.train
    shown = np.concatenate((np.arange(len(train.crops)), np.tile(np.flatnonzero(train.rare), config.repeats - 1)))
    per_epoch = len(shown) // config.batch
    total = per_epoch * cycle.epochs
    optimizer = AveragedSgd(network, cycle.learning_rate, total, config.weight_decay)
    changes = replace(Changes().scaled(cycle.changes), moved=config.moved)
    looked_at = as_read(parts.held_out.crops, parts.held_out.places) if config.aligned else parts.held_out.crops
    order, ordered = shown, -1
    network.train()
    for number in run.batches(total, optimizer, generator_for(config.seed, 0)):
        epoch, place = divmod(number, per_epoch)
        if epoch != ordered:
            order, ordered = np.random.default_rng((config.seed, 2, epoch)).permutation(shown), epoch
        chosen = order[place * config.batch : (place + 1) * config.batch]
        crops = torch.from_numpy(augmented(train.crops[chosen], (config.seed, 3, number), changes))
        plain = (torch.from_numpy(train.emotions[chosen]), torch.from_numpy(train.labels[chosen]))
        crops, targets = _mixed(crops, plain, np.random.default_rng((config.seed, 4, number)), cycle.mixed)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.bfloat16):
            logits = network(crops).logits
        losses = [functional.cross_entropy(logits[head].float(), one) for head, one in zip(HEADS, targets, strict=True)]
        loss = torch.stack(losses).sum()
        optimizer.step(loss)
        run.loss(loss)
        if place + 1 == per_epoch and (epoch + 1) % _LOOKED_AT_EVERY == 0:
            glance = _at_a_glance(optimizer, parts.held_out, looked_at, config.bfloat16)
            run(f"epoch {epoch + 1} of {cycle.epochs}: {glance}")
    network.load_state_dict(optimizer.average())


def _mixed(
    crops: Tensor, targets: tuple[Tensor, ...], rng: np.random.Generator, share: float
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Mix each picture of a batch with another one, in a share of the batches (Zhang et al. 2018, mixup)."""
    if rng.random() >= share:
        return crops, targets
    weight = float(rng.beta(_MIXING, _MIXING))
    other = torch.from_numpy(rng.permutation(len(crops)))
    return torch.lerp(crops[other], crops, weight), tuple(torch.lerp(one[other], one, weight) for one in targets)


def _at_a_glance(optimizer: AveragedSgd, faces: JudgedFaces, crops: Image, bfloat16: bool) -> str:
    """Return how well the averaged weights do on held-out photographs."""
    averaged = FaceExpressionNetwork(HEADS)
    averaged.load_state_dict(optimizer.average())
    logits = logits_of(averaged, crops, bfloat16)
    known = faces.emotions >= 0
    seven = float((logits["fer2013"].argmax(axis=1) == faces.labels).mean())
    eight = float((logits["emotion"].argmax(axis=1) == faces.emotions)[known].mean())
    return f"held-out accuracy {seven:.3f} of 7 classes, {eight:.3f} of 8"


def logits_of(network: FaceExpressionNetwork, crops: Image, bfloat16: bool = False) -> dict[str, np.ndarray]:
    """Return the logits of each head for crops ``(n, 48, 48)``, each ``(n, n_classes)`` float64."""
    network.eval()
    found: dict[str, list[np.ndarray]] = {name: [] for name in HEADS}
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        for begin in range(0, len(crops), 128):
            reading = network(torch.from_numpy(np.asarray(crops[begin : begin + 128])))
            for name in HEADS:
                found[name].append(reading.logits[name].float().numpy().astype(np.float64))
    return {name: np.concatenate(parts) for name, parts in found.items()}
