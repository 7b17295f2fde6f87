"""Train the video-EEG model on simulated people, stage by stage, and write its bundle and card."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs
import torch
from torch import Tensor

from ....configs.schema.train_video_eeg import StageSection, TrainVideoEegConfig
from ....models.contract import LEVELS, SIMULATED, EegInput, FaceInput, Head, ModelSpec
from ....models.decoders.video_eeg import Normalisation
from ....models.io.bundle import save_bundle
from ....models.networks import video_eeg as network
from ....models.networks.video_eeg import AXES, Sizes, VideoEegNet
from ...evaluation.leakage import Part, audit_parts, digest
from ...simulate.difficulty import BENCHMARK, EASY, Difficulty
from ..common.optimization import Report
from . import eeg_variants, scores
from .band_network import BAND_NETWORK, train_band_network
from .card import write_video_eeg_card
from .expressions import EXPRESSIONS, train_face
from .losses import level_class_weights
from .modality_lstm import MODALITY_LSTM, train_modality_lstm
from .prepare import GRID_HZ, PreparedSession, prepare_people
from .reinforce import CORE, POLICY, train_core, train_policy
from .scores import CONDITIONS, RecallByPerson
from .stage_cache import StageCache

WINDOW_S = 1.0
MIN_RATE_HZ = 100.0
MIN_SCALP_CHANNELS = 8
_POLICY_SETTINGS = (
    "budget", "rollouts", "reward_right", "reward_wrong", "horizon_s", "spread_first", "spread_last",
)  # fmt: skip


@dataclass(frozen=True)
class TrainedVideoEeg:
    """The result of a training run: the file, and its recalls on validation people.

    Attributes
    ----------
    path : Path
    sha256 : str
    spec : ModelSpec
    recalls : mapping of condition to RecallByPerson
    wall_s : float
        Of this run; stages and people found in the cache took no time.
    """

    path: Path
    sha256: str
    spec: ModelSpec
    recalls: dict[str, RecallByPerson]
    wall_s: float


def train_video_eeg(
    config: TrainVideoEegConfig, out: Path, report: Report, cache: Path | None = None
) -> TrainedVideoEeg:
    """Train a bundle as a config says.

    Stages: the face network on posed expressions; the band network on averaged scalp images; the first LSTM on faces
    and EEG in turn; the core with it fixed; the policy by REINFORCE; then the budget, temperatures and conformal
    thresholds. People that were prepared and stages that were finished with the same versions and settings are taken
    from the cache.

    Parameters
    ----------
    config : TrainVideoEegConfig
    out : Path
        The bundle; its card is written beside it.
    report : callable
        Takes lines about the progress.
    cache : Path, optional
        A folder; by default the user's cache folder.
    """
    started = time.monotonic()
    torch.set_num_threads(config.threads)
    folder = cache or Path(platformdirs.user_cache_dir("moodring", appauthor=False)) / "training"
    training, validation, calibration = _prepare_groups(config, folder, report)
    people = config.people
    audit_parts(
        "video-EEG",
        {
            "weights and normaliser": _parts(people.training_seeds, training),
            "watched": _parts(people.validation_seeds, validation),
            "temperature and conformal thresholds": _parts(people.calibration_seeds, calibration),
        },
    )
    normal = eeg_variants.fit_normalisation(training)
    torch.manual_seed(config.seed)
    net = VideoEegNet(_sizes(config))
    stages = StageCache(net, folder, [_shared_settings(config), difficulty_of(config).digest()], report)
    stages.run(
        EXPRESSIONS,
        _stage_settings(config.expression, config),
        lambda _: train_face(net.face_net, config.people.posing_seeds, difficulty_of(config), config, report),
    )
    net.face_net.requires_grad_(False)
    images = eeg_variants.draw_images(
        training, normal, net, eeg_variants.TRAINING_VARIANTS, config.seed, config.people.stride
    )
    weights = level_class_weights(images.levels)
    stages.run(
        BAND_NETWORK,
        _stage_settings(config.bands, config),
        lambda _: train_band_network(net, images, weights, config, report),
    )
    stages.run(
        MODALITY_LSTM,
        _stage_settings(config.layer1, config),
        lambda _: train_modality_lstm(net, images, weights, config, report),
    )
    features = eeg_variants.extract_features(images, net)
    held_out = eeg_variants.extract_features(eeg_variants.draw_images(validation, normal, net, 2, config.seed), net)
    stages.run(
        CORE,
        _stage_settings(config.core, config, "band_balance"),
        lambda _: train_core(net, features, weights, config, report),
    )
    _report_scores(
        report,
        "core",
        {name: scores.score_condition(net, held_out, name, 1.0 / config.budget) for name in CONDITIONS[3:5]},
    )
    stages.run(
        POLICY,
        _stage_settings(config.reinforce, config, *_POLICY_SETTINGS),
        lambda _: train_policy(net, features, weights, config, report),
    )
    scores.spend_budget(net, features, config.budget)

    apart = eeg_variants.extract_features(eeg_variants.draw_images(calibration, normal, net, 2, config.seed), net)
    outputs = scores.run_condition(net, apart, "full", 1.0 / config.budget)
    mean_wait = round(1.0 / float(outputs.glimpsed.mean()), 3)
    recalls = {name: scores.score_condition(net, held_out, name, mean_wait) for name in CONDITIONS}
    _report_scores(report, "final", recalls)
    spec = _spec(config, normal, mean_wait, outputs)
    sha256 = save_bundle(out, spec, _tensors(net, normal))
    trained = TrainedVideoEeg(out, sha256, spec, recalls, time.monotonic() - started)
    write_video_eeg_card(out.with_suffix(".md"), spec, sha256, recalls, network.parameter_count(net), config)
    report(f"wrote {out} ({out.stat().st_size / 1e6:.2f} MB) in {trained.wall_s:.0f} s")
    return trained


def difficulty_of(config: TrainVideoEegConfig) -> Difficulty:
    """Return the simulation that a config names."""
    return {"benchmark": BENCHMARK, "easy": EASY}[config.people.difficulty]


def _shared_settings(config: TrainVideoEegConfig) -> dict[str, Any]:
    """Return the settings that every stage depends on."""
    own = {"expression", "bands", "layer1", "core", "reinforce", "band_balance", *_POLICY_SETTINGS}
    return config.model_dump(mode="json", exclude={"name", "threads", "coverage", *own})


def _stage_settings(section: StageSection, config: TrainVideoEegConfig, *names: str) -> dict[str, Any]:
    """Return the settings that begin to matter with a stage."""
    settings: dict[str, Any] = section.model_dump(mode="json")
    return settings | config.model_dump(mode="json", include=set(names))


def _prepare_groups(
    config: TrainVideoEegConfig, folder: Path, report: Report
) -> tuple[list[PreparedSession], list[PreparedSession], list[PreparedSession]]:
    """Prepare the people to train on, to validate on and to calibrate on."""
    people = config.people

    def prepared(seeds: tuple[int, ...], stride: int) -> list[PreparedSession]:
        return prepare_people(
            seeds,
            people.seconds,
            difficulty_of(config),
            config.network.face_size,
            WINDOW_S,
            stride,
            folder,
            people.workers,
            report,
        )

    training = prepared(people.training_seeds, people.stride)
    held_out = prepared(people.validation_seeds + people.calibration_seeds, 1)
    n = len(people.validation_seeds)
    return training, held_out[:n], held_out[n:]


def _parts(seeds: Sequence[int], prepared: Sequence[PreparedSession]) -> list[Part]:
    return [
        Part(f"person {seed}", str(seed), digest(one.power, one.crops, one.levels))
        for seed, one in zip(seeds, prepared, strict=True)
    ]


def _sizes(config: TrainVideoEegConfig) -> Sizes:
    return Sizes.of(config.network.model_dump(exclude={"face_backbone"}))


def _tensors(net: VideoEegNet, normal: Normalisation) -> dict[str, Tensor]:
    tensors = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    tensors["normalisation.prior"] = torch.from_numpy(normal.prior.at(normal.prior.names)).float()
    tensors["normalisation.scale"] = torch.from_numpy(normal.scale).float()
    return tensors


def _spec(
    config: TrainVideoEegConfig, normal: Normalisation, mean_wait: float, outputs: scores.DecisionLogits
) -> ModelSpec:
    people = config.people
    temperatures = scores.fit_temperatures(outputs)
    thresholds = scores.fit_thresholds(outputs, temperatures, config.coverage)
    sizes = asdict(_sizes(config))
    return ModelSpec(
        kind="video_eeg",
        inputs=(
            EegInput(MIN_RATE_HZ, MIN_SCALP_CHANNELS, "average", WINDOW_S, config.network.image_size),
            FaceInput(GRID_HZ, config.network.face_size),
        ),
        outputs=tuple(Head(axis, "felt", LEVELS, None, temperatures[axis], thresholds[axis]) for axis in AXES),
        label_source=f"latent valence and arousal of simulated people, {GRID_HZ:g} times a second, cut at -1/3 and 1/3",
        domain=(SIMULATED,),
        protocol=(
            f"people apart: trained on seeds {people.training_seeds[0]}-{people.training_seeds[-1]}, calibrated on "
            f"{people.calibration_seeds}, watched on {people.validation_seeds}; {people.seconds:g} s each; stimuli "
            "shared between people"
        ),
        data_hashes=(f"difficulty {people.difficulty} {difficulty_of(config).digest()}",),
        seed=config.seed,
        network={
            **sizes,
            "face_backbone": config.network.face_backbone,
            "mean_wait_frames": mean_wait,
            "coverage": config.coverage,
            "prior_channels": ",".join(normal.prior.names),
        },
    )


def _report_scores(report: Report, stage: str, recalls: dict[str, RecallByPerson]) -> None:
    for name, result in recalls.items():
        valence, arousal = result.uar.mean(axis=0)
        report(
            f"{stage}, validation people, {name}: UAR valence {valence:.3f}, arousal {arousal:.3f}, "
            f"glimpsed {result.glimpsed.mean():.3f}"
        )
