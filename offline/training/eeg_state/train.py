"""Train a state of mind from the EEG alone: scores on people left out, then a model of everybody, and its card."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ....configs.schema.train_eeg_state import ControlSection, EvaluateEegStateConfig, TrainEegStateConfig
from ....models.contract import EegInput, Head, ModelSpec
from ....models.decoders.eeg_state import KIND
from ....models.io.bundle import save_bundle
from ...evaluation.eeg_state import BRANCH, evaluate_windows, features_of, measure_of, measured, task_of
from .card import write_eeg_state_card
from .domain_gate import fit_state_gate
from .fit import Chosen, choose, discriminants, moments
from .people import PersonWindows, people_of
from .windows import TrialWindows

_MIN_RATE_HZ = 120.0
_FOLDS = 7


def train_eeg_state(config: TrainEegStateConfig, out: Path, report: Callable[[str], None]) -> ModelSpec:
    """Score the recipe on people left out, train it on everybody, and write the bundle and its card.

    Raises
    ------
    MoodringError
        The corpus is not there or has too few people, or a file cannot be written.
    """
    trials = measured(config, "data", config.bands_hz, report)
    tested = evaluate_windows(_as_evaluation(config), trials, (), report)
    measure = measure_of(config, ControlSection(name=BRANCH), config.branch)
    people = people_of(trials, task_of(config), measure)
    known = [moments(person, len(config.classes)) for person in people]
    chosen = choose(people, known, config.shrinkages, config.memory_s, config.seeds[0], _FOLDS)
    model = discriminants(known, [chosen.shrinkage])[0]
    gate = fit_state_gate(trials, measure, config.electrodes, _FOLDS)
    if gate is None:
        report("no gate against EEG unlike this: the people are too few or too far apart for a limit")
    tensors = {
        "weights": torch.from_numpy(np.asarray(model.weights, np.float32)),
        "bias": torch.from_numpy(np.asarray(model.bias, np.float32)),
        **(gate.tensors() if gate else {}),
    }
    spec = _spec(config, people, trials, chosen)
    sha256 = save_bundle(out, spec, tensors)
    write_eeg_state_card(out.with_suffix(".md"), config, spec, chosen, tested)
    report(f"wrote {out} ({out.stat().st_size / 1e3:.0f} kB, SHA-256 {sha256[:12]}) and {out.with_suffix('.md')}")
    return spec


def _as_evaluation(config: TrainEegStateConfig) -> EvaluateEegStateConfig:
    shared = {name: getattr(config, name) for name in EvaluateEegStateConfig.model_fields if hasattr(config, name)}
    return EvaluateEegStateConfig(**{**shared, "kind": "eeg_state"})


def _spec(
    config: TrainEegStateConfig, people: list[PersonWindows], trials: list[TrialWindows], chosen: Chosen
) -> ModelSpec:
    names = ", ".join(person.subject for person in people)
    digest = hashlib.sha256()
    for one in trials:
        digest.update(one.trial.name.encode() + one.covariances.tobytes())
    features = features_of(config, config.branch)
    return ModelSpec(
        kind=KIND,
        inputs=(EegInput(_MIN_RATE_HZ, config.min_channels, "average", config.window_s),),
        outputs=(
            Head(
                config.name,
                config.target,
                config.classes,
                temperature=round(chosen.temperature, 4),
                conformal_threshold=round(chosen.conformal_threshold, 6),
            ),
        ),
        label_source=config.label_source,
        domain=(config.domain,),
        protocol=f"trained on all people ({names}); scores with people left out: see the card",
        data_hashes=(digest.hexdigest(),),
        seed=config.seeds[0],
        network={**features.as_settings(), "memory_s": config.memory_s, "shrinkage": chosen.shrinkage},
    )
