"""The card of a model of a state of mind from the EEG alone."""

from pathlib import Path

from ....configs.schema.train_eeg_state import TrainEegStateConfig
from ....models.contract import ModelSpec
from ...evaluation.eeg_state import Evaluation, table
from ..common.card import CardSection, bullets, write_card
from .fit import Chosen


def write_eeg_state_card(
    path: Path, config: TrainEegStateConfig, spec: ModelSpec, chosen: Chosen, tested: Evaluation
) -> None:
    """Write the card of a model; raise MoodringError where the file cannot be written."""
    head = spec.outputs[0]
    low, high = config.branch[0][0], config.branch[-1][1]
    normalised = (
        f"Every person is normalised to their own rest: {config.rest_s:g} s of it at the start of the session "
        "(`decisions.rest_s`); without it the model abstains."
        if config.rest is not None
        else "People are not normalised: the model answers from the first seconds on."
    )
    measure = "covariances (tangent space)" if config.whole else "log power"
    facts = (
        f"Tells: {config.target} ({', '.join(head.classes)}), from the EEG alone. {config.label_source[:1].upper()}"
        f"{config.label_source[1:]}.",
        f"Trained on: {config.attribution or config.domain}; {len(tested.people)} people.",
        f"Model: {measure} of {len(config.electrodes)} electrodes in {len(config.branch)} bands from {low:g} to "
        f"{high:g} Hz, {config.window_s:g}-s windows through the live chain, relative to the reference; a "
        f"linear discriminant with shrinkage {chosen.shrinkage:g} chosen on people apart. Evidence is averaged over "
        f"{config.memory_s:g} s, so an answer lags a change by about half of that.",
        normalised,
        f"Needs at least {config.min_channels} good electrodes with 10-10 names; missing ones are interpolated.",
        f"Temperature {head.temperature:g} and conformal threshold {head.conformal_threshold:g} (sets hold the truth "
        "of a new person nine times in ten), from people apart.",
    )
    sections = (
        CardSection("", (bullets(facts),)),
        CardSection("On people never trained on", (table(tested),)),
        CardSection("Limits", (bullets(config.limits),) if config.limits else ()),
    )
    write_card(path, f"{config.name.replace('_', ' ').capitalize()}: {config.domain}", sections)
