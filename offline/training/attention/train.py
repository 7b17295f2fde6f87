"""Train an attention model on simulated people, stage by stage, and write its bundle and card."""

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
import torch
from torch import Tensor, nn

from ....configs.schema.train_attention import TrainAttentionConfig
from ....configs.schema.training import StageSection
from ....models.contract import LEVELS, SIMULATED, EegInput, FaceInput, Head, ModelSpec
from ....models.device import best_device
from ....models.io.bundle import save_bundle
from ....models.networks import vgg16
from ....models.networks.attention import AXES, FRAME_HZ, AttentionNet, Backbone, Sizes
from ....models.networks.look_policy import GaussianPolicy, HazardPolicy
from ....models.signals.eeg.normalisation import Normalisation
from ...evaluation.leakage import Part, audit_parts, digest
from ...simulate.difficulty import BENCHMARK, EASY, Difficulty
from ..common.curves import check_losses, write_losses
from ..common.losses import level_class_weights
from ..common.optimization import Report
from ..common.stage_cache import StageCache
from ..common.stage_run import StageRun
from . import core, policy
from .band_network import BAND_NETWORK, train_band_network
from .card import write_attention_card
from .eeg_variants import TRAINING_VARIANTS, fit_normalisation
from .expressions import EXPRESSIONS, train_face
from .feature_bank import Clips, FeatureBank, draw_images, extract_features, whole_sessions
from .gaussian import GAUSSIAN, train_gaussian
from .prepare import WINDOW_S, PreparedSession, prepare_people, read_prepared
from .roll_out import LookRule, by_gaussian, by_hazard, clip_hidden, fixed, hidden_states, periphery_of, roll_out
from .scores import (
    ConditionScores,
    Decisions,
    decisions_of,
    fit_temperatures,
    fit_thresholds,
    hit_rate,
    recall_of_decisions,
)
from .vgg16_features import FrozenFaces

MIN_RATE_HZ = 100.0
MIN_SCALP_CHANNELS = 8
_PRICED_PEOPLE = 150


@dataclass(frozen=True)
class TrainedAttention:
    """The result of a training run: the file, and its scores on validation people."""

    path: Path
    sha256: str
    spec: ModelSpec
    scores: dict[str, ConditionScores]
    wall_s: float


class Networks(nn.Module):
    """Everything that a bundle holds: the network and both learned policies."""

    def __init__(self, sizes: Sizes, backbone: Backbone = "compact") -> None:
        super().__init__()
        self.net = AttentionNet(sizes, backbone)
        self.hazard = HazardPolicy(sizes.core)
        self.gaussian = GaussianPolicy(sizes.core)


@dataclass(frozen=True)
class Prepared:
    """Features of the people to train on and of those held out, and the periphery's measures of both."""

    training: FeatureBank
    validation: FeatureBank
    calibration: FeatureBank
    weights: Tensor
    normal: Normalisation


def train_attention(
    config: TrainAttentionConfig, out: Path, report: Report, cache: Path | None = None
) -> TrainedAttention:
    """Train a bundle as a config says.

    Stages: the face network on what faces express; the band network on averaged scalp images; a causal teacher that
    sees every frame; a student distilled from it on looks of all kinds; the periphery, the gains of looks and
    REINFORCE where the policy is learned; the core once more on the looks of its own policy; the price of the
    budget, temperatures and conformal thresholds. People that were prepared and stages that were finished with
    the same versions and settings are taken from the cache.

    Parameters
    ----------
    config : TrainAttentionConfig
    out : Path
        The bundle; its card is written beside it.
    report : callable
        Takes lines about the progress.
    cache : Path, optional
        A folder; by default the user's cache folder.
    """
    started = time.monotonic()
    check_losses(out)
    torch.set_num_threads(config.threads)
    folder = cache or Path(platformdirs.user_cache_dir("moodring", appauthor=False)) / "training"
    torch.manual_seed(config.seed)
    frozen = FrozenFaces.of(config.network, best_device())
    networks = Networks(_sizes(config), config.network.backbone)
    shared = shared_settings(config, frozen)
    stages = StageCache(networks, folder, [shared, difficulty_of(config).digest()], report)
    data = _fixed_layers(config, networks, stages, folder, frozen, report)
    _train_core(config, networks.net, stages, data)
    policies = _Policies(config, networks, stages, data, report)
    policies.train()
    scores = policies.evaluate(data.validation)
    calibrated = policies.decide(data.calibration, whole_sessions(data.calibration))
    spec = _spec(config, data.normal, calibrated, frozen)
    sha256 = save_bundle(out, spec, _tensors(networks, data.normal))
    trained = TrainedAttention(out, sha256, spec, scores, time.monotonic() - started)
    write_losses(out, sha256, stages.curves)
    write_attention_card(out.with_suffix(".md"), spec, sha256, scores, config)
    report(f"wrote {out} ({out.stat().st_size / 1e6:.2f} MB) in {trained.wall_s:.0f} s")
    return trained


def difficulty_of(config: TrainAttentionConfig) -> Difficulty:
    """Return the simulation that a config names."""
    return {"benchmark": BENCHMARK, "easy": EASY}[config.people.difficulty]


def _fixed_layers(
    config: TrainAttentionConfig,
    networks: Networks,
    stages: StageCache,
    folder: Path,
    frozen: FrozenFaces | None,
    report: Report,
) -> Prepared:
    people, difficulty = config.people, difficulty_of(config)
    artifact = config.eeg.artifact
    paths = prepare_people(people.training_seeds, people.seconds, difficulty, folder, people.workers, report, artifact)
    held_out = (*people.validation_seeds, *people.calibration_seeds)
    others = prepare_people(held_out, people.validation_seconds, difficulty, folder, people.workers, report, artifact)
    faces, other_faces = None, None
    if frozen is not None:
        faces = frozen.embed(people.training_seeds, people.seconds, difficulty, folder, report)
        other_faces = frozen.embed(held_out, people.validation_seconds, difficulty, folder, report)
    prepared = [read_prepared(path) for path in paths]
    n = len(people.validation_seeds)
    audit_parts(
        "attention",
        {
            "weights and normaliser": _parts(people.training_seeds, prepared),
            "watched": _parts(people.validation_seeds, map(read_prepared, others[:n])),
            "temperature and conformal thresholds": _parts(people.calibration_seeds, map(read_prepared, others[n:])),
        },
    )
    normal = fit_normalisation(prepared)
    size, net = config.network.image_size, networks.net
    levels = torch.from_numpy(np.stack([p.levels for p in prepared]).astype(np.int64))
    stimulus = torch.from_numpy(np.stack([p.stimulus for p in prepared]).astype(np.int64))
    weights = level_class_weights(levels)
    images = draw_images(prepared, normal, size, TRAINING_VARIANTS, config.seed)
    del prepared
    stages.run(
        EXPRESSIONS,
        _settings(config.expression, config),
        lambda run: train_face(net.face_net, paths, config, run, faces),
    )
    stages.run(
        BAND_NETWORK,
        _settings(config.bands, config, "dropout"),
        lambda run: train_band_network(net, images, levels, stimulus, weights, config, run),
    )
    training = extract_features(paths, images, net, faces)

    def features(part: slice) -> FeatureBank:
        drawn = draw_images([read_prepared(path) for path in others[part]], normal, size, 2, config.seed)
        return extract_features(others[part], drawn, net, other_faces and other_faces[part])

    return Prepared(training, features(slice(n)), features(slice(n, None)), weights, normal)


def _parts(seeds: Iterable[int], prepared: Iterable[PreparedSession]) -> list[Part]:
    both = zip(seeds, prepared, strict=True)
    return [Part(f"person {seed}", str(seed), digest(one.power, one.levels)) for seed, one in both]


def _train_core(config: TrainAttentionConfig, net: AttentionNet, stages: StageCache, data: Prepared) -> None:
    def run(training: core.CoreTraining, stage_run: StageRun) -> None:
        core.train_core(net, data.training, data.weights, config, training, stage_run)

    names = ("dropout", "band_balance", "clip_ticks", "batch", "plain_share", "modality_dropout", "told_share")
    stages.run(
        core.TEACHER,
        _settings(config.teacher, config, *names),
        lambda stage_run: run(core.CoreTraining(config.teacher, core.every_frame, None, 7), stage_run),
    )
    teacher = core.teacher_of(net)
    if config.policy != "every":
        stages.run(
            core.STUDENT,
            _settings(config.student, config, "distillation"),
            lambda stage_run: run(core.CoreTraining(config.student, core.random_patterns, teacher, 8), stage_run),
        )


class _Policies:
    """The last stages: the policy, and the core on the looks of its own policy."""

    def __init__(
        self, config: TrainAttentionConfig, networks: Networks, stages: StageCache, data: Prepared, report: Report
    ) -> None:
        self._config, self._networks, self._stages, self._data = config, networks, stages, data
        self._report = report
        self._measured: Tensor | None = None

    def train(self) -> None:
        """Train the policy of the config and the core on its looks."""
        config = self._config
        if config.policy == "hazard":
            self._train_hazard()
        elif config.policy == "gaussian":
            gaussian, net = self._networks.gaussian, self._networks.net
            self._stages.run(
                GAUSSIAN,
                _settings(config.reinforce, config, "budget", "reward_right", "reward_wrong", "most_looks", "spread"),
                lambda run: train_gaussian(gaussian, net, self._data.training, config, run),
            )
        self._own_core()
        if config.policy == "hazard":
            self._spend_budget()

    def decide(self, bank: FeatureBank, clips: Clips) -> Decisions:
        """Return the decisions of clips from the start of people's sessions under the policy of the config."""
        net = self._networks.net
        looks = roll_out(net, bank, clips, self._rule(bank, clips))
        return decisions_of(net, bank, clips, looks.cores, looks.looks)

    def evaluate(self, bank: FeatureBank) -> dict[str, ConditionScores]:
        """Score the conditions on held-out people."""
        conditions = {
            "full": whole_sessions(bank),
            "no_eeg": whole_sessions(bank, eeg=False),
            "no_face": whole_sessions(bank, face=False),
            "uncalibrated": whole_sessions(bank, variant=1),
        }
        scores = {}
        for name, clips in conditions.items():
            decisions = self.decide(bank, clips)
            hits, base = hit_rate(bank, clips, decisions.looks)
            scores[name] = ConditionScores(recall_of_decisions(decisions), float(decisions.looked.mean()), hits, base)
            valence, arousal = scores[name].recall.mean(axis=0)
            self._report(
                f"validation people, {name}: UAR valence {valence:.3f}, arousal {arousal:.3f}, looked at "
                f"{scores[name].looked:.3f}, of these expressive {hits:.3f} (of all frames {base:.3f})"
            )
        return scores

    def _train_hazard(self) -> None:
        config, hazard, net, bank = self._config, self._networks.hazard, self._networks.net, self._data.training
        measured = self._measures()
        self._stages.run(
            policy.PERIPHERY,
            _settings(config.periphery, config),
            lambda run: policy.train_periphery(hazard, bank, measured, config, run),
        )
        hidden = hidden_states(hazard, measured)
        self._stages.run(
            policy.GAINS,
            _settings(config.gains, config, "horizon_ticks"),
            lambda run: policy.train_gains(hazard, net, bank, hidden, config, run),
        )
        self._spend_budget()
        self._stages.run(
            policy.REINFORCE,
            _settings(config.reinforce, config, "budget"),
            lambda run: policy.reinforce(hazard, net, bank, hidden, float(hazard.price), config, run),
        )
        self._spend_budget()

    def _spend_budget(self) -> None:
        """Set the price at which the hazard policy spends the budget on training people, in place."""
        bank, hazard = self._data.training, self._networks.hazard
        clips = whole_sessions(bank).rows(torch.arange(min(_PRICED_PEOPLE, bank.people)))
        hidden = hidden_states(hazard, self._measures())
        price = policy.price_for(hazard, self._networks.net, bank, hidden, clips, self._config.budget)
        with torch.no_grad():
            hazard.price.fill_(price)

    def _own_core(self) -> None:
        """Train the core once more, on the looks of its own policy."""
        config, net = self._config, self._networks.net
        if config.policy == "every":
            return
        hidden = hidden_states(self._networks.hazard, self._measures()) if config.policy == "hazard" else None

        def looks_of(bank: FeatureBank, clips: Clips, rng: torch.Generator) -> Tensor:
            if config.policy in ("uniform", "random"):
                return core.budgeted(config.budget, config.policy)(bank, clips, rng)
            return roll_out(net, bank, clips, self._rule(bank, clips, hidden)).looks

        training = core.CoreTraining(config.own, looks_of, None, 9)
        self._stages.run(
            policy.OWN_CORE,
            _settings(config.own, config, "budget", "policy"),
            lambda run: core.train_core(net, self._data.training, self._data.weights, config, training, run),
        )

    def _rule(self, bank: FeatureBank, clips: Clips, hidden: Tensor | None = None) -> LookRule:
        config = self._config
        if config.policy == "hazard":
            hazard = self._networks.hazard
            if hidden is None:
                measured = periphery_of(hazard, bank, torch.arange(bank.people), bank.face.shape[1])
                hidden = hidden_states(hazard, measured)
            return by_hazard(hazard, clip_hidden(hidden, clips), float(hazard.price), clips.no_face)
        if config.policy == "gaussian":
            return by_gaussian(self._networks.gaussian, 0.0, None, len(clips.person))
        rng = torch.Generator().manual_seed(config.seed)
        looks_of = core.every_frame if config.policy == "every" else core.budgeted(config.budget, config.policy)
        return fixed(looks_of(bank, clips, rng))

    def _measures(self) -> Tensor:
        if self._measured is None:
            bank = self._data.training
            self._measured = periphery_of(self._networks.hazard, bank, torch.arange(bank.people), bank.face.shape[1])
        return self._measured


def _sizes(config: TrainAttentionConfig) -> Sizes:
    sizes = Sizes.of(config.network.model_dump())
    return sizes if config.network.backbone == "compact" else replace(sizes, face_size=vgg16.FACE_SIZE)


def shared_settings(config: TrainAttentionConfig, frozen: FrozenFaces | None) -> dict[str, Any]:
    """Return the settings that every stage depends on; those of a frozen backbone only where there is one."""
    kept = config.model_dump(mode="json", include={"seed", "network", "weight_decay"})
    for name in ("backbone", "weights", "weights_sha256"):
        del kept["network"][name]
    if config.eeg.artifact != "clip":
        kept["artifact"] = config.eeg.artifact
    if frozen is not None:
        kept["network"]["backbone_sha256"] = frozen.sha256
    people = config.people.model_dump(mode="json", include={"difficulty", "seconds", "first_seed", "count"})
    return kept | people


def _settings(section: StageSection, config: TrainAttentionConfig, *names: str) -> dict[str, Any]:
    """Return the settings that begin to matter with a stage."""
    settings: dict[str, Any] = section.model_dump(mode="json")
    return settings | config.model_dump(mode="json", include=set(names))


def _tensors(networks: Networks, normal: Normalisation) -> dict[str, Tensor]:
    tensors = {name: tensor.contiguous() for name, tensor in networks.state_dict().items()}
    tensors["normalisation.prior"] = torch.from_numpy(normal.prior.at(normal.prior.names)).float()
    tensors["normalisation.scale"] = torch.from_numpy(normal.scale).float()
    return tensors


def _spec(
    config: TrainAttentionConfig, normal: Normalisation, decisions: Decisions, frozen: FrozenFaces | None
) -> ModelSpec:
    people, sizes = config.people, _sizes(config)
    backbone = {} if frozen is None else {"backbone": config.network.backbone, "backbone_sha256": frozen.sha256}
    temperatures = fit_temperatures(decisions)
    thresholds = fit_thresholds(decisions, temperatures, config.coverage)
    return ModelSpec(
        kind="attention",
        inputs=(
            EegInput(MIN_RATE_HZ, MIN_SCALP_CHANNELS, "average", WINDOW_S, config.network.image_size),
            FaceInput(float(FRAME_HZ), sizes.face_size),
        ),
        outputs=tuple(Head(axis, "felt", LEVELS, None, temperatures[axis], thresholds[axis]) for axis in AXES),
        label_source="latent valence and arousal of simulated people, every half second, cut at -1/3 and 1/3",
        domain=(SIMULATED,),
        protocol=(
            f"people apart: trained on seeds {people.training_seeds[0]}-{people.training_seeds[-1]}, calibrated on "
            f"{people.calibration_seeds}, watched on {people.validation_seeds}; stimuli shared between people"
        ),
        data_hashes=(f"difficulty {people.difficulty} {difficulty_of(config).digest()}",),
        seed=config.seed,
        network={
            **asdict(sizes),
            **backbone,
            **({} if config.eeg.artifact == "clip" else {"artifact": config.eeg.artifact}),
            "policy": config.policy,
            "budget": 1.0 if config.policy == "every" else config.budget,
            "coverage": config.coverage,
            "prior_channels": ",".join(normal.prior.names),
        },
    )
