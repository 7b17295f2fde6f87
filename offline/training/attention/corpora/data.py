"""A corpus as the data of a training: people apart, rest from the corpus, absent modalities flagged."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from .....models.networks.face_nets import ExpressionFaceNet
from ....datasets.affect_corpus import AffectCorpus, labelled_by_ratings
from ....datasets.open_affect import read_affect
from ....evaluation.leakage import Part, audit_parts
from ...common.losses import level_class_weights
from ...common.optimization import Report
from ...common.stage_cache import StageCache
from ..band_network import BAND_NETWORK, ScalpImages, train_band_network
from ..data import Networks, Origin, Prepared, stage_settings
from ..domain_gate import fit_attention_gate
from ..eeg_variants import TRAINING_VARIANTS
from ..prepare import FACE_SIZE
from ..simulated_data import eeg_input, electrodes_in_words
from ..stopping import held_out_of, stopping_in_words, stopping_settings
from .bank import TrialRows, common_channels, draw_rows, features_of, fit_people, read_eeg, sittings_of
from .faces import FACES_BY_LABEL, tune_face
from .real_faces import REAL_FACES, learn_expressions, real_faces, take_trunk
from .trials import PreparedTrial, prepare_trials

_MOST_PROBLEMS = 12


@dataclass(frozen=True)
class Groups:
    """People of a corpus, kept apart: to train on, to watch, and to calibrate probabilities on."""

    training: tuple[str, ...]
    validation: tuple[str, ...]
    calibration: tuple[str, ...]


@dataclass(frozen=True)
class Parts:
    """Trials of a corpus by what they are for.

    Attributes
    ----------
    training, validation, calibration : tuple of PreparedTrial
        To train on, to watch or test, and to calibrate probabilities on.
    stopping : tuple of PreparedTrial
        To stop stages early on.
    """

    training: tuple[PreparedTrial, ...]
    validation: tuple[PreparedTrial, ...]
    calibration: tuple[PreparedTrial, ...]
    stopping: tuple[PreparedTrial, ...] = ()

    @property
    def all(self) -> tuple[PreparedTrial, ...]:
        """Return the trials of all parts."""
        return self.training + self.stopping + self.validation + self.calibration

    def held_out(self, config: TrainAttentionConfig) -> Self:
        """Return the parts with people taken from those to train on, where a config stops early on some."""
        people = set(held_out_of(config, _people(self.training)))
        return replace(
            self,
            training=tuple(one for one in self.training if one.trial.subject not in people),
            stopping=tuple(one for one in self.training if one.trial.subject in people),
        )

    @classmethod
    def of(cls, trials: Sequence[PreparedTrial], groups: Groups) -> Self:
        """Return the trials of people who are kept apart."""
        training, validation, calibration = (
            tuple(one for one in trials if one.trial.subject in people)
            for people in (groups.training, groups.validation, groups.calibration)
        )
        return cls(training, validation, calibration)


@dataclass(frozen=True)
class CorpusData:
    """Trials of a corpus, prepared in the cache folder; make it with :meth:`of` or :meth:`split`.

    Attributes
    ----------
    config : TrainAttentionConfig
        Every frame is its policy where nobody was filmed.
    corpus : AffectCorpus
    parts : Parts
    start : Bundle or None
        Whose face network and periphery the training starts from; None where nobody was filmed.
    report : callable
    """

    config: TrainAttentionConfig
    corpus: AffectCorpus
    parts: Parts
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
        corpus, trials = ready_trials(config, root, cache, report)
        groups = people_apart(config, corpus.name, sorted({one.trial.subject for one in trials}))
        data = cls.split(config, corpus, Parts.of(trials, groups), report)
        _audit(corpus.name, data.parts)
        return data

    @classmethod
    def split(cls, config: TrainAttentionConfig, corpus: AffectCorpus, parts: Parts, report: Report) -> Self:
        """Return trials that were prepared and split before; raise ConfigError where the bundle to start from differs.

        People to stop early on are taken from those to train on. Nothing is audited here: see
        :mod:`~moodring.offline.evaluation.leakage`.
        """
        parts, start = parts.held_out(config), None
        if any(filmed(one) for one in parts.training):
            start = _start(config)
        else:
            report("no training person was filmed: the model reads the EEG alone, and no policy of looks is trained")
            config = config.model_copy(update={"policy": "every"})
        return cls(config, corpus, parts, start, report)

    @property
    def settings(self) -> list[Any]:
        """Settings that every stage depends on: the training trials, and the weights it starts from."""
        kept = self.config.model_dump(mode="json", include={"seed", "network", "weight_decay"})
        if self.config.faces.under_cap:
            kept["under_cap"] = self.config.faces.under_cap
        if self.config.network.backbone == "expression":
            kept["real_faces"] = real_faces().sha256
        settings = [kept, _digest(self.parts.training), self.start and self.start.sha256]
        stopping = self.parts.stopping
        # Without early stopping the stages are those that were kept before there was any.
        return [*settings, stopping_settings(self.config, _digest(stopping))] if stopping else settings

    @property
    def origin(self) -> Origin:
        """What is said of the corpus."""
        config, trials, name = self.config, self.parts.all, self.corpus.name
        parts = self.parts
        trained, watched, calibrated, stopping = map(
            _people, (parts.training, parts.validation, parts.calibration, parts.stopping)
        )
        stopped = f"stopped early on {_listed(stopping)}, " if stopping else ""
        rested = sum(one.trial.rest_s > 0 for one in trials)
        face = () if self.start is None else (FaceInput(float(FRAME_HZ), FACE_SIZE),)
        stages = (
            "scalp images alone, since nobody was filmed"
            if self.start is None
            else f"{self._faces(self.start)}, tuned through the labels of the trials, and the periphery of "
            f"'{self.start.name}' as it was"
        )
        limits = (
            f"People and stimuli of {name}; the stimuli are shared between the people, so the figures also hold what "
            "is known of a stimulus.",
            f"{rested} of {len(trials)} trials begin with a rest, and each counts for the trials that follow; "
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
                f"people apart: trained on {_listed(trained)}, {stopped}calibrated on {_listed(calibrated)}, "
                f"watched on {_listed(watched)}; stimuli shared between people"
            ),
            data_hashes=(f"{name}, {len(trials)} trials {_digest(trials)}",),
            simulated=False,
            validation=f"{len(watched)} people of {name} ({_listed(watched)})",
            calibration=f"{len(calibrated)} calibration people",
            stages=stages,
            stopping=stopping_in_words(
                config,
                len(trained) + len(stopping),
                f"{len(stopping)} people of {name} ({_listed(stopping)})" if stopping else "",
            ),
            limits=limits,
            axes=tuple(axis for axis in AXES if any(axis in one.trial.labels for one in trials)),
        )

    def _faces(self, start: Bundle) -> str:
        if self.config.network.backbone == "expression":
            face = real_faces()
            return (
                f"a layer on the frozen network of '{face.name}' ({', '.join(face.spec.domain)}), taught what it reads"
            )
        return f"the face network of '{start.name}' ({', '.join(start.spec.domain)})"

    def layers(self, networks: Networks, stages: StageCache) -> Prepared:
        """Train face and band network, and compute the features of everybody."""
        config, net = self.config, networks.net
        if self.start is not None:
            face, hazard, _ = networks_of(self.start)
            if isinstance(net.face_net, ExpressionFaceNet):
                take_trunk(net.face_net, real_faces())
            else:
                net.face_net.load_state_dict(face.face_net.state_dict())
            for part in ("thumbnail", "recurrent", "expression"):
                getattr(networks.hazard, part).load_state_dict(getattr(hazard, part).state_dict())
        names = common_channels(self.parts.all, config.eeg.least_electrodes)
        training = sittings_of(self.parts.training)
        normal = fit_people([read_eeg(one, names)[0] for one in training])
        least = config.clip_ticks + 2

        def drawn(trials: tuple[PreparedTrial, ...], variants: int) -> TrialRows:
            return draw_rows(
                sittings_of(trials), names, normal, config.network.image_size, variants, config.seed, least
            )

        rows = drawn(self.parts.training, TRAINING_VARIANTS)
        scalp = _scalp_images(rows)
        stopping = drawn(self.parts.stopping, 2) if self.parts.stopping else None
        stopping_scalp = None if stopping is None else _scalp_images(stopping)
        weights = level_class_weights(scalp.levels)
        if isinstance(net.face_net, ExpressionFaceNet) and self.start is not None:
            layer, teacher = net.face_net, real_faces()
            stages.run(
                REAL_FACES,
                stage_settings(config.expression, config),
                lambda run: learn_expressions(layer, teacher, rows.paths, config, run),
            )
        if self.start is not None:
            stages.run(
                FACES_BY_LABEL,
                stage_settings(config.expression, config),
                lambda run: tune_face(net.face_net, rows.paths, weights, config, run),
            )
        stages.run(
            BAND_NETWORK,
            stage_settings(config.bands, config, "dropout"),
            lambda run: train_band_network(net, scalp, weights, config, run, stopping_scalp),
        )
        others = (features_of(drawn(trials, 2), net) for trials in (self.parts.validation, self.parts.calibration))
        validation, calibration = others
        calibrating = sittings_of(self.parts.calibration)
        gate = fit_attention_gate(
            (read_eeg(one, names)[0] for one in training),
            (read_eeg(one, names)[0] for one in calibrating),
            normal.prior.names,
        )
        held_out = None if stopping is None else features_of(stopping, net)
        return Prepared(
            features_of(rows, net), validation, calibration, weights, normal, gate, held_out, expressions_known=False
        )


def ready_trials(
    config: TrainAttentionConfig, root: Path, cache: Path, report: Report
) -> tuple[AffectCorpus, tuple[PreparedTrial, ...]]:
    """Read the corpus of a folder, with the labels of the config, and prepare its trials.

    Raises
    ------
    MoodringError
        There is no corpus, or a trial cannot be used.
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
    return corpus, prepare_trials(corpus, cache, workers, config.on_bad, report, eeg.artifact, eeg.electrodes)


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


def _audit(name: str, parts: Parts) -> None:
    named = {
        "training": parts.training,
        "early stopping": parts.stopping,
        "watching": parts.validation,
        "temperature": parts.calibration,
    }
    audit_parts(
        name,
        {what: [Part(one.trial.name, one.trial.subject, one.key) for one in trials] for what, trials in named.items()},
    )


def _start(config: TrainAttentionConfig) -> Bundle:
    path = Path(config.start) if config.start.endswith(".safetensors") else bundled(config.start)
    bundle = load_bundle(path, "attention")
    net, _, _ = networks_of(bundle)
    compact = backbone_of(bundle) == "compact" or config.network.backbone == "expression"
    wanted = Sizes.of(config.network.model_dump())
    for name in ("face_size", "face_features"):
        has, asked = getattr(net.sizes, name), getattr(wanted, name)
        if has != asked or not compact:
            raise ConfigError(
                f"start = '{config.start}': its face network has {name} {has}, the config has {asked}; name a bundle "
                "with a compact face network of the same sizes"
            )
    return bundle


def _scalp_images(rows: TrialRows) -> ScalpImages:
    return ScalpImages(rows.images, torch.from_numpy(rows.levels), torch.from_numpy(rows.stimulus))


def filmed(trial: PreparedTrial) -> bool:
    """Return whether a trial shows a face."""
    with np.load(trial.path, allow_pickle=False) as arrays:
        return bool(arrays["face_there"].any())


def _people(trials: Sequence[PreparedTrial]) -> tuple[str, ...]:
    return tuple(sorted({one.trial.subject for one in trials}))


def _digest(trials: tuple[PreparedTrial, ...]) -> str:
    return hashlib.sha256(" ".join(sorted(one.key for one in trials)).encode()).hexdigest()


def _listed(people: tuple[str, ...]) -> str:
    return ", ".join(people) if len(people) <= 8 else f"{', '.join(people[:6])} and {len(people) - 6} more"
