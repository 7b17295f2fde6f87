"""Who is held out of the training people to stop stages early, and what is said of it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np

from ....configs.schema.train_attention import TrainAttentionConfig
from ..common.held_out import EarlyStopping

FEWEST_PEOPLE = 6
"""Of fewer training people nobody is held out."""
Person = TypeVar("Person", int, str)


def stops_early(config: TrainAttentionConfig) -> bool:
    """Return whether a config asks for early stopping on its data."""
    on = config.early_stopping.on
    return on == "always" or (on == "corpora" and config.data is not None)


def held_out_of(config: TrainAttentionConfig, people: Sequence[Person]) -> tuple[Person, ...]:
    """Draw the people to stop on from those to train on; nobody where a config does not ask or they are too few."""
    if not stops_early(config) or len(people) < FEWEST_PEOPLE:
        return ()
    ordered = sorted(people)
    count = max(1, round(config.early_stopping.people * len(ordered)))
    drawn = np.random.default_rng((config.seed, 11)).permutation(len(ordered))[:count]
    return tuple(ordered[i] for i in sorted(drawn.tolist()))


def stopping_settings(config: TrainAttentionConfig, held_out: Any) -> list[Any]:
    """Return the settings that stages depend on where people are held out: how they stop, and plainly on whom."""
    return ["early stopping", config.early_stopping.every, config.early_stopping.patience, held_out]


def early_stopping(config: TrainAttentionConfig, loss: Callable[[], float]) -> EarlyStopping:
    """Return when a stage stops by a loss of the people held out."""
    return EarlyStopping(loss, config.early_stopping.every, config.early_stopping.patience)


def stopping_in_words(config: TrainAttentionConfig, training: int, held_out: str) -> str:
    """Return what a card says of early stopping.

    Parameters
    ----------
    config : TrainAttentionConfig
    training : int
        How many people there were before any was held out.
    held_out : str
        Who was, in words; empty where nobody was.
    """
    section = config.early_stopping
    if held_out:
        return (
            f"Band network and core stop early on {held_out}, taken from those to train on: every {section.every} "
            f"batches their loss is looked at, {section.patience} looks in a row without a lower one end a stage, and "
            "the weights of the lowest are kept"
        )
    if stops_early(config):
        return f"Every stage ran all its batches: {training} training people are too few to hold some out"
    return "Every stage ran all its batches"
