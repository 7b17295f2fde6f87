"""Train an attention model on simulated people or a corpus, stage by stage, and write its bundle and card."""

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import platformdirs
import torch
from torch import Tensor

from ....configs.schema.train_attention import TrainAttentionConfig
from ....models.contract import LEVELS, Head, ModelSpec
from ....models.decoders.domain_gate import DomainGate
from ....models.device import best_device
from ....models.io.bundle import save_bundle
from ....models.networks import vgg16
from ....models.networks.attention import AXES, AttentionNet, Sizes
from ....models.signals.eeg.normalisation import Normalisation
from ..common.curves import check_losses, write_losses
from ..common.optimization import Report
from ..common.stage_cache import StageCache
from ..common.stage_run import StageRun
from . import core, policy
from .card import write_attention_card
from .corpora.data import CorpusData
from .data import Networks, Origin, Prepared, TrainingData, stage_settings
from .faces.vgg16_features import FrozenFaces
from .feature_bank import Clips, FeatureBank, whole_sessions
from .gaussian import GAUSSIAN, train_gaussian
from .roll_out import LookRule, hidden_states, periphery_of, roll_out, rule_of
from .scores import (
    ConditionScores,
    Decisions,
    by_person,
    decisions_of,
    fit_temperatures,
    fit_thresholds,
    hit_rate,
    recall_of_decisions,
)
from .simulated_data import SimulatedData

_REWARDS = ("reward_right", "reward_wrong", "most_looks", "spread")
_PRICED_PEOPLE = 150


@dataclass(frozen=True)
class TrainedAttention:
    """The result of a training run: the file, and its scores on validation people."""

    path: Path
    sha256: str
    spec: ModelSpec
    scores: dict[str, ConditionScores]
    wall_s: float


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
    source: TrainingData = (
        SimulatedData(config, _sizes(config), frozen, folder, report)
        if config.data is None
        else CorpusData.of(config, config.data, folder, report)
    )
    config, origin = source.config, source.origin
    networks = Networks(_sizes(config), config.network.backbone)
    stages = StageCache(networks, folder, source.settings, report)
    data = source.layers(networks, stages)
    policies = train_stages(config, networks, stages, data, report)
    scores = policies.evaluate(data.validation)
    calibrated = policies.decide(data.calibration, whole_sessions(data.calibration))
    if data.gate is None:
        report("no gate against EEG unlike this: the people are too few or too far apart for a limit")
    spec = _spec(config, origin, data.normal, calibrated, frozen)
    sha256 = save_bundle(out, spec, _tensors(networks, data.normal, data.gate))
    trained = TrainedAttention(out, sha256, spec, scores, time.monotonic() - started)
    write_losses(out, sha256, stages.curves)
    write_attention_card(out.with_suffix(".md"), spec, sha256, scores, config, _with_gate(origin, data.gate))
    report(f"wrote {out} ({out.stat().st_size / 1e6:.2f} MB) in {trained.wall_s:.0f} s")
    return trained


def train_stages(
    config: TrainAttentionConfig, networks: Networks, stages: StageCache, data: Prepared, report: Report
) -> "Policies":
    """Train core and policy on the features of the fixed layers, in place."""
    _train_core(config, networks.net, stages, data)
    policies = Policies(config, networks, stages, data, report)
    policies.train()
    return policies


def _train_core(config: TrainAttentionConfig, net: AttentionNet, stages: StageCache, data: Prepared) -> None:
    def run(training: core.CoreTraining, stage_run: StageRun) -> None:
        core.train_core(net, data.training, data.weights, config, training, stage_run)

    names = ("dropout", "band_balance", "clip_ticks", "batch", "plain_share", "modality_dropout", "told_share")
    stages.run(
        core.TEACHER,
        stage_settings(config.teacher, config, *names),
        lambda stage_run: run(core.CoreTraining(config.teacher, core.every_frame, None, 7, data.stopping), stage_run),
    )
    teacher = core.teacher_of(net)
    if config.policy != "every":
        stages.run(
            core.STUDENT,
            stage_settings(config.student, config, "distillation"),
            lambda stage_run: run(
                core.CoreTraining(config.student, core.random_patterns, teacher, 8, data.stopping), stage_run
            ),
        )


class Policies:
    """The last stages: the policy, and the core on its looks; then decisions under both."""

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
                stage_settings(config.reinforce, config, "budget", *_REWARDS),
                lambda run: train_gaussian(gaussian, net, self._data.training, config, run),
            )
        self._own_core()
        if config.policy == "hazard":
            self._spend_budget()

    def decide(self, bank: FeatureBank, clips: Clips) -> Decisions:
        """Return the decisions of clips from the start of people's sessions under the policy of the config."""
        return by_person(self.decide_rows(bank, clips)[0], bank)

    def decide_rows(self, bank: FeatureBank, clips: Clips) -> tuple[Decisions, Tensor]:
        """Return the decisions of each clip, and the core's hidden states, ``(length, clips, core)``."""
        net = self._networks.net
        looks = roll_out(net, bank, clips, self._rule(bank, clips))
        return decisions_of(net, bank, clips, looks.cores, looks.looks), looks.cores

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
            hits, base = hit_rate(bank, clips, decisions.looks) if self._data.expressions_known else (float("nan"),) * 2
            scores[name] = ConditionScores(recall_of_decisions(decisions), float(decisions.looked.mean()), hits, base)
            self._report(f"validation people, {name}: {scores[name]}")
        return scores

    def _train_hazard(self) -> None:
        config, hazard, net, bank = self._config, self._networks.hazard, self._networks.net, self._data.training
        measured = self._measures()
        if self._data.expressions_known:
            self._stages.run(
                policy.PERIPHERY,
                stage_settings(config.periphery, config, "thumbnail"),
                lambda run: policy.train_periphery(hazard, bank, measured, config, run),
            )
        hidden = hidden_states(hazard, measured)
        self._stages.run(
            policy.GAINS,
            stage_settings(config.gains, config, "horizon_ticks"),
            lambda run: policy.train_gains(hazard, net, bank, hidden, config, run),
        )
        self._spend_budget()
        self._stages.run(
            policy.REINFORCE,
            stage_settings(config.reinforce, config, "budget"),
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
        others = self._data.stopping
        hidden, of_others = None, None
        if config.policy == "hazard":
            hidden = hidden_states(self._networks.hazard, self._measures())
            of_others = None if others is None else hidden_states(self._networks.hazard, self._measures_of(others))

        def looks_of(bank: FeatureBank, clips: Clips, rng: torch.Generator) -> Tensor:
            if config.policy in ("uniform", "random"):
                return core.budgeted(config.budget, config.policy)(bank, clips, rng)
            return roll_out(net, bank, clips, self._rule(bank, clips, of_others if bank is others else hidden)).looks

        training = core.CoreTraining(config.own, looks_of, None, 9, others)
        self._stages.run(
            policy.OWN_CORE,
            stage_settings(config.own, config, "budget", "policy"),
            lambda run: core.train_core(net, self._data.training, self._data.weights, config, training, run),
        )

    def _rule(self, bank: FeatureBank, clips: Clips, hidden: Tensor | None = None) -> LookRule:
        config, networks = self._config, self._networks
        return rule_of(config.policy, config.budget, networks, bank, clips, config.seed, hidden)

    def _measures(self) -> Tensor:
        if self._measured is None:
            self._measured = self._measures_of(self._data.training)
        return self._measured

    def _measures_of(self, bank: FeatureBank) -> Tensor:
        return periphery_of(self._networks.hazard, bank, torch.arange(bank.people), bank.face.shape[1])


def _sizes(config: TrainAttentionConfig) -> Sizes:
    sizes = Sizes.of(config.network.model_dump())
    return replace(sizes, face_size=vgg16.FACE_SIZE) if config.network.backbone == "vgg16" else sizes


def _tensors(networks: Networks, normal: Normalisation, gate: DomainGate | None) -> dict[str, Tensor]:
    tensors = {name: tensor.contiguous() for name, tensor in networks.state_dict().items()}
    tensors["normalisation.prior"] = torch.from_numpy(normal.prior.at(normal.prior.names)).float()
    tensors["normalisation.scale"] = torch.from_numpy(normal.scale).float()
    return tensors | (gate.tensors() if gate else {})


def _with_gate(origin: Origin, gate: DomainGate | None) -> Origin:
    """Return what is said of the data, with what the gate does."""
    line = (
        "No gate against EEG unlike the training people's: they are too few or too far apart for a limit."
        if gate is None
        else "The model abstains on EEG unlike the training people's: a gate on log band power at the electrodes, "
        f"limit {gate.limit:.2f} (docs/misleading.md)."
    )
    return replace(origin, limits=(*origin.limits, line))


def _spec(
    config: TrainAttentionConfig,
    origin: Origin,
    normal: Normalisation,
    decisions: Decisions,
    frozen: FrozenFaces | None,
) -> ModelSpec:
    sizes = _sizes(config)
    backbone: dict[str, str] = {}
    if config.network.backbone != "compact":
        backbone["backbone"] = config.network.backbone
    backbone |= {} if frozen is None else {"backbone_sha256": frozen.sha256}
    temperatures = fit_temperatures(decisions, origin.axes)
    thresholds = fit_thresholds(decisions, temperatures, config.coverage)
    return ModelSpec(
        kind="attention",
        inputs=origin.inputs,
        outputs=tuple(
            Head(axis, "felt", LEVELS, None, temperatures[axis], thresholds[axis])
            for axis in AXES
            if axis in origin.axes
        ),
        label_source=origin.label_source,
        domain=origin.domain,
        protocol=origin.protocol,
        data_hashes=origin.data_hashes,
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
