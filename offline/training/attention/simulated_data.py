"""Simulated people as the data of a training."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ....configs.schema.train_attention import TrainAttentionConfig
from ....models.contract import SIMULATED, EegInput, FaceInput
from ....models.networks.attention import FRAME_HZ, Sizes
from ...evaluation.leakage import Part, audit_parts, digest
from ...simulate.difficulty import BENCHMARK, EASY, Difficulty
from ..common.losses import level_class_weights
from ..common.optimization import Report
from ..common.stage_cache import StageCache
from .band_network import BAND_NETWORK, ScalpImages, train_band_network
from .data import Networks, Origin, Prepared, stage_settings
from .domain_gate import fit_attention_gate
from .eeg_variants import TRAINING_VARIANTS, fit_normalisation
from .faces.expressions import EXPRESSIONS, train_face
from .faces.vgg16_features import FrozenFaces
from .feature_bank import FeatureBank, draw_images, extract_features
from .prepare import WINDOW_S, PreparedSession, prepare_people, read_prepared
from .stopping import held_out_of, stopping_in_words, stopping_settings

MIN_RATE_HZ = 100.0
_MOST_NAMED = 12
_LIMITS = (
    "Simulated people, faces and EEG; stimuli are shared between the people, as in the corpora it imitates.",
    "The EEG is normalised to the person's rest. Without a rest the session is marked uncalibrated, and recalls fall.",
    "Facial muscles reach the EEG: its contribution is not all brain.",
)


@dataclass(frozen=True)
class SimulatedData:
    """Simulated people, prepared in the cache folder.

    Attributes
    ----------
    config : TrainAttentionConfig
    sizes : Sizes
    frozen : FrozenFaces or None
        A frozen backbone of the face network.
    folder : Path
        The cache.
    report : callable
    """

    config: TrainAttentionConfig
    sizes: Sizes
    frozen: FrozenFaces | None
    folder: Path
    report: Report

    @property
    def settings(self) -> list[Any]:
        """Settings that every stage depends on."""
        kept = [shared_settings(self.config, self.frozen), difficulty_of(self.config).digest()]
        held_out = self.stopping_seeds
        # Without early stopping the stages are those that were kept before there was any.
        return [*kept, stopping_settings(self.config, held_out)] if held_out else kept

    @property
    def stopping_seeds(self) -> tuple[int, ...]:
        """People taken from those to train on, to stop stages early."""
        return held_out_of(self.config, self.config.people.training_seeds)

    @property
    def fitted_seeds(self) -> tuple[int, ...]:
        """People that are trained on."""
        held_out = set(self.stopping_seeds)
        return tuple(seed for seed in self.config.people.training_seeds if seed not in held_out)

    @property
    def origin(self) -> Origin:
        """What is said of simulated people."""
        people, config, held_out = self.config.people, self.config, self.stopping_seeds
        apart = f"of these {_seeds(held_out)} held out to stop early, " if held_out else ""
        return Origin(
            inputs=(
                eeg_input(config),
                FaceInput(float(FRAME_HZ), self.sizes.face_size),
            ),
            label_source="latent valence and arousal of simulated people, every half second, cut at -1/3 and 1/3",
            domain=(SIMULATED,),
            protocol=(
                f"people apart: trained on seeds {people.training_seeds[0]}-{people.training_seeds[-1]}, {apart}"
                f"calibrated on {people.calibration_seeds}, watched on {people.validation_seeds}; stimuli "
                "shared between people"
            ),
            data_hashes=(f"difficulty {people.difficulty} {difficulty_of(config).digest()}",),
            simulated=True,
            validation=f"{len(people.validation_seeds)} simulated people ({people.validation_seconds:g} s each)",
            calibration=f"{len(people.calibration_seeds)} calibration people",
            stages="faces and what they express",
            stopping=stopping_in_words(
                config, people.count, f"{len(held_out)} simulated people (seeds {_seeds(held_out)})" if held_out else ""
            ),
            limits=(*_LIMITS, electrodes_in_words(config)),
        )

    def layers(self, networks: Networks, stages: StageCache) -> Prepared:
        """Train face and band network, and compute the features of everybody."""
        config, frozen, folder, report = self.config, self.frozen, self.folder, self.report
        people, difficulty = config.people, difficulty_of(config)
        artifact, electrodes = config.eeg.artifact, config.eeg.electrodes
        paths = prepare_people(
            self.fitted_seeds, people.seconds, difficulty, folder, people.workers, report, artifact, electrodes
        )
        stop_paths = prepare_people(
            self.stopping_seeds, people.seconds, difficulty, folder, people.workers, report, artifact, electrodes
        )
        held_out = (*people.validation_seeds, *people.calibration_seeds)
        others = prepare_people(
            held_out, people.validation_seconds, difficulty, folder, people.workers, report, artifact, electrodes
        )
        faces, stop_faces, other_faces = None, None, None
        if frozen is not None:
            stop_faces = frozen.embed(self.stopping_seeds, people.seconds, difficulty, folder, report)
            faces = frozen.embed(self.fitted_seeds, people.seconds, difficulty, folder, report)
            other_faces = frozen.embed(held_out, people.validation_seconds, difficulty, folder, report)
        prepared = [read_prepared(path) for path in paths]
        n = len(people.validation_seeds)
        audit_parts(
            "attention",
            {
                "weights and normaliser": _parts(self.fitted_seeds, prepared),
                "early stopping": _parts(self.stopping_seeds, map(read_prepared, stop_paths)),
                "watched": _parts(people.validation_seeds, map(read_prepared, others[:n])),
                "temperature and conformal thresholds": _parts(
                    people.calibration_seeds, map(read_prepared, others[n:])
                ),
            },
        )
        normal = fit_normalisation(prepared)
        size, net = config.network.image_size, networks.net
        scalp = _scalp_images(prepared, draw_images(prepared, normal, size, TRAINING_VARIANTS, config.seed))
        del prepared
        stopping = [read_prepared(path) for path in stop_paths]
        stopping_scalp = None
        if stopping:
            stopping_scalp = _scalp_images(stopping, draw_images(stopping, normal, size, 2, config.seed))
        del stopping
        weights = level_class_weights(scalp.levels)
        stages.run(
            EXPRESSIONS,
            stage_settings(config.expression, config),
            lambda run: train_face(net.face_net, paths, config, run, faces),
        )
        stages.run(
            BAND_NETWORK,
            stage_settings(config.bands, config, "dropout"),
            lambda run: train_band_network(net, scalp, weights, config, run, stopping_scalp),
        )
        training = extract_features(paths, scalp.images, net, faces)
        stopping_bank = None
        if stopping_scalp is not None:
            stopping_bank = extract_features(stop_paths, stopping_scalp.images, net, stop_faces)

        def features(part: slice) -> FeatureBank:
            drawn = draw_images([read_prepared(path) for path in others[part]], normal, size, 2, config.seed)
            return extract_features(others[part], drawn, net, other_faces and other_faces[part])

        gate = fit_attention_gate(map(read_prepared, paths), map(read_prepared, others[n:]), normal.prior.names)
        return Prepared(training, features(slice(n)), features(slice(n, None)), weights, normal, gate, stopping_bank)


def eeg_input(config: TrainAttentionConfig) -> EegInput:
    """Return what a bundle asks of the EEG."""
    eeg, size = config.eeg, config.network.image_size
    return EegInput(MIN_RATE_HZ, eeg.least_electrodes, "average", WINDOW_S, size, eeg.electrodes)


def electrodes_in_words(config: TrainAttentionConfig) -> str:
    """Return which electrodes a bundle is trained on."""
    electrodes = config.eeg.electrodes
    if electrodes:
        return f"Reads {', '.join(electrodes)} alone, referenced to their average; other electrodes are left out."
    return "Trained on every electrode of its data and random parts of them; few electrodes cost accuracy."


def difficulty_of(config: TrainAttentionConfig) -> Difficulty:
    """Return the simulation that a config names."""
    return {"benchmark": BENCHMARK, "easy": EASY}[config.people.difficulty]


def shared_settings(config: TrainAttentionConfig, frozen: FrozenFaces | None) -> dict[str, Any]:
    """Return the settings that every stage depends on; those of a frozen backbone only where there is one."""
    kept = config.model_dump(mode="json", include={"seed", "network", "weight_decay"})
    for name in ("backbone", "weights", "weights_sha256"):
        del kept["network"][name]
    if config.eeg.artifact != "clip":
        kept["artifact"] = config.eeg.artifact
    if config.faces.under_cap:
        kept["under_cap"] = config.faces.under_cap
    if config.eeg.electrodes:
        kept["electrodes"] = list(config.eeg.electrodes)
    if frozen is not None:
        kept["network"]["backbone_sha256"] = frozen.sha256
    people = config.people.model_dump(mode="json", include={"difficulty", "seconds", "first_seed", "count"})
    return kept | people


def _scalp_images(people: Sequence[PreparedSession], images: NDArray[np.float16]) -> ScalpImages:
    levels = torch.from_numpy(np.stack([one.levels for one in people]).astype(np.int64))
    return ScalpImages(images, levels, torch.from_numpy(np.stack([one.stimulus for one in people]).astype(np.int64)))


def _seeds(seeds: Sequence[int]) -> str:
    """Return seeds in words: all of a few, the first of many."""
    return (
        ", ".join(map(str, seeds))
        if len(seeds) <= _MOST_NAMED
        else (f"{', '.join(map(str, seeds[:_MOST_NAMED]))} and {len(seeds) - _MOST_NAMED} more")
    )


def _parts(seeds: Iterable[int], prepared: Iterable[PreparedSession]) -> list[Part]:
    return [
        Part(f"person {seed}", str(seed), digest(one.power, one.levels))
        for seed, one in zip(seeds, prepared, strict=True)
    ]
