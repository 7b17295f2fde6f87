"""A corpus as the data of a training: people apart, rest from the corpus, absent modalities flagged."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch

from .....configs.schema.errors import ConfigError, MoodringError
from .....configs.schema.train_attention import TrainAttentionConfig
from .....models.contract import FaceInput
from .....models.decoders.attention import networks_of
from .....models.decoders.face_backbone import backbone_of
from .....models.io.bundle import Bundle, bundled, load_bundle
from .....models.networks.attention import AXES, FRAME_HZ, Sizes
from ....datasets.affect_corpus import AffectCorpus, labelled_by_ratings
from ....datasets.open_affect import read_affect
from ....evaluation.leakage import Part, audit_parts
from ...common.losses import level_class_weights
from ...common.optimization import Report
from ...common.stage_cache import StageCache
from ..band_network import BAND_NETWORK, train_band_network
from ..data import Networks, Origin, Prepared, stage_settings
from ..domain_gate import fit_attention_gate
from ..eeg_variants import TRAINING_VARIANTS
from ..prepare import FACE_SIZE
from ..simulated_data import eeg_input, electrodes_in_words
from .bank import TrialRows, common_channels, draw_rows, features_of, fit_people, read_eeg, sittings_of
from .faces import FACES_BY_LABEL, tune_face
from .trials import PreparedTrial, prepare_trials

_MOST_PROBLEMS = 12


@dataclass(frozen=True)
class Groups:
    """People of a corpus, kept apart: to train on, to watch, and to calibrate probabilities on."""

    training: tuple[str, ...]
    validation: tuple[str, ...]
    calibration: tuple[str, ...]

    def of(self, trials: tuple[PreparedTrial, ...], people: tuple[str, ...]) -> tuple[PreparedTrial, ...]:
        """Return the trials of some people."""
        return tuple(one for one in trials if one.trial.subject in people)


@dataclass(frozen=True)
class CorpusData:
    """Trials of a corpus, prepared in the cache folder; make it with :meth:`of`.

    Attributes
    ----------
    config : TrainAttentionConfig
        Every frame is its policy where nobody was filmed.
    corpus : AffectCorpus
    trials : tuple of PreparedTrial
    groups : Groups
    start : Bundle or None
        Whose face network and periphery the training starts from; None where nobody was filmed.
    report : callable
    """

    config: TrainAttentionConfig
    corpus: AffectCorpus
    trials: tuple[PreparedTrial, ...]
    groups: Groups
    start: Bundle | None
    report: Report

    @classmethod
    def of(cls, config: TrainAttentionConfig, root: Path, cache: Path, report: Report) -> Self:
        """Read and prepare a corpus.

        Raises
        ------
        ConfigError
            The bundle to start from has other sizes than the config.
        MoodringError
            There is no corpus, a trial cannot be used, or there are not enough people.
        """
        corpus = read_affect(root, config.corpus)
        if config.labels == "ratings":
            corpus = labelled_by_ratings(corpus)
        report(f"{corpus.name}: {len(corpus.trials)} trials of {len(corpus.people)} people; {corpus.label_source}")
        for problem in corpus.problems[:_MOST_PROBLEMS]:
            report(problem)
        if len(corpus.problems) > _MOST_PROBLEMS:
            report(f"and {len(corpus.problems) - _MOST_PROBLEMS} more of the kind")
        workers, eeg = config.people.workers, config.eeg
        trials = prepare_trials(corpus, cache, workers, config.on_bad, report, eeg.artifact, eeg.electrodes)
        groups = people_apart(config, corpus.name, sorted({one.trial.subject for one in trials}))
        _audit(corpus.name, trials, groups)
        start = None
        if any(_filmed(one.path) for one in groups.of(trials, groups.training)):
            start = _start(config)
        else:
            report("no training person was filmed: the model reads the EEG alone, and no policy of looks is trained")
            config = config.model_copy(update={"policy": "every"})
        return cls(config, corpus, trials, groups, start, report)

    @property
    def settings(self) -> list[Any]:
        """Settings that every stage depends on: the training trials, and the weights it starts from."""
        kept = self.config.model_dump(mode="json", include={"seed", "network", "weight_decay"})
        if self.config.faces.under_cap:
            kept["under_cap"] = self.config.faces.under_cap
        return [kept, _digest(self.groups.of(self.trials, self.groups.training)), self.start and self.start.sha256]

    @property
    def origin(self) -> Origin:
        """What is said of the corpus."""
        config, groups, name = self.config, self.groups, self.corpus.name
        rested = sum(one.trial.rest_s > 0 for one in self.trials)
        face = () if self.start is None else (FaceInput(float(FRAME_HZ), FACE_SIZE),)
        stages = (
            "scalp images alone, since nobody was filmed"
            if self.start is None
            else f"the face network and the periphery of '{self.start.name}' ({', '.join(self.start.spec.domain)}), "
            "the first tuned through the labels of the trials, the second as it was"
        )
        limits = (
            f"People and stimuli of {name}; the stimuli are shared between the people, so the figures also hold what "
            "is known of a stimulus.",
            f"{rested} of {len(self.trials)} trials begin with a rest, and each counts for the trials that follow; "
            "without a rest a live session is marked uncalibrated.",
            "Labels are one judgement for a whole trial: which moment they hold for is not known.",
            "Facial muscles reach the EEG: its contribution is not all brain.",
            electrodes_in_words(config),
        )
        return Origin(
            inputs=(eeg_input(config), *face),
            label_source=self.corpus.label_source,
            domain=(name,),
            protocol=(
                f"people apart: trained on {_listed(groups.training)}, calibrated on {_listed(groups.calibration)}, "
                f"watched on {_listed(groups.validation)}; stimuli shared between people"
            ),
            data_hashes=(f"{name}, {len(self.trials)} trials {_digest(self.trials)}",),
            simulated=False,
            validation=f"{len(groups.validation)} people of {name} ({_listed(groups.validation)})",
            calibration=f"{len(groups.calibration)} calibration people",
            stages=stages,
            limits=limits,
            axes=tuple(axis for axis in AXES if any(axis in one.trial.labels for one in self.trials)),
        )

    def layers(self, networks: Networks, stages: StageCache) -> Prepared:
        """Train face and band network, and compute the features of everybody."""
        config, net = self.config, networks.net
        if self.start is not None:
            face, hazard, _ = networks_of(self.start)
            net.face_net.load_state_dict(face.face_net.state_dict())
            for part in ("thumbnail", "recurrent", "expression"):
                getattr(networks.hazard, part).load_state_dict(getattr(hazard, part).state_dict())
        names = common_channels(self.trials, config.eeg.least_electrodes)
        training = sittings_of(self.groups.of(self.trials, self.groups.training))
        normal = fit_people([read_eeg(one, names)[0] for one in training])
        least = config.clip_ticks + 2

        def drawn(people: tuple[str, ...], variants: int) -> TrialRows:
            sittings = sittings_of(self.groups.of(self.trials, people))
            return draw_rows(sittings, names, normal, config.network.image_size, variants, config.seed, least)

        rows = drawn(self.groups.training, TRAINING_VARIANTS)
        levels, stimulus = torch.from_numpy(rows.levels), torch.from_numpy(rows.stimulus)
        weights = level_class_weights(levels)
        if self.start is not None:
            stages.run(
                FACES_BY_LABEL,
                stage_settings(config.expression, config),
                lambda run: tune_face(net.face_net, rows.paths, weights, config, run),
            )
        stages.run(
            BAND_NETWORK,
            stage_settings(config.bands, config, "dropout"),
            lambda run: train_band_network(net, rows.images, levels, stimulus, weights, config, run),
        )
        others = (features_of(drawn(people, 2), net) for people in (self.groups.validation, self.groups.calibration))
        validation, calibration = others
        held_out = sittings_of(self.groups.of(self.trials, self.groups.calibration))
        gate = fit_attention_gate(
            (read_eeg(one, names)[0] for one in training),
            (read_eeg(one, names)[0] for one in held_out),
            normal.prior.names,
        )
        return Prepared(features_of(rows, net), validation, calibration, weights, normal, gate, expressions_known=False)


def people_apart(config: TrainAttentionConfig, corpus: str, people: list[str]) -> Groups:
    """Draw who is trained on, watched and calibrated on.

    Raises
    ------
    MoodringError
        There are fewer than three people.
    """
    if len(people) < 3:
        raise MoodringError(
            f"{corpus} has {len(people)} people with usable trials ({_listed(tuple(people))}); training, watching and "
            "calibrating on people apart needs 3: add people"
        )
    order = np.random.default_rng((config.seed, 7)).permutation(len(people))
    watched = max(1, round(config.held_out.validation * len(people)))
    calibrated = max(1, round(config.held_out.calibration * len(people)))
    parts = np.split(order, [watched, watched + calibrated])
    validation, calibration, training = (tuple(people[i] for i in sorted(part.tolist())) for part in parts)
    return Groups(training, validation, calibration)


def _audit(name: str, trials: tuple[PreparedTrial, ...], groups: Groups) -> None:
    parts = {"training": groups.training, "watching": groups.validation, "temperature": groups.calibration}
    audit_parts(
        name,
        {
            what: [Part(one.trial.name, one.trial.subject, one.key) for one in groups.of(trials, people)]
            for what, people in parts.items()
        },
    )


def _start(config: TrainAttentionConfig) -> Bundle:
    path = Path(config.start) if config.start.endswith(".safetensors") else bundled(config.start)
    bundle = load_bundle(path, "attention")
    net, _, _ = networks_of(bundle)
    compact = backbone_of(bundle) == "compact"
    wanted = Sizes.of(config.network.model_dump())
    for name in ("face_size", "face_features"):
        has, asked = getattr(net.sizes, name), getattr(wanted, name)
        if has != asked or not compact:
            raise ConfigError(
                f"start = '{config.start}': its face network has {name} {has}, the config has {asked}; name a bundle "
                "with a compact face network of the same sizes"
            )
    return bundle


def _filmed(path: Path) -> bool:
    with np.load(path, allow_pickle=False) as arrays:
        return bool(arrays["face_there"].any())


def _digest(trials: tuple[PreparedTrial, ...]) -> str:
    return hashlib.sha256(" ".join(sorted(one.key for one in trials)).encode()).hexdigest()


def _listed(people: tuple[str, ...]) -> str:
    return ", ".join(people) if len(people) <= 8 else f"{', '.join(people[:6])} and {len(people) - 6} more"
