"""Train the part of the speech recogniser that adapts to a speaker: on simulated histories of the training speakers.

Every utterance is trained on relative to a history drawn at random: some utterances of the same speaker in the same
copy, many or few, sometimes of one emotion only. So the weights are right for what little a new speaker's history says.
The back-end is fitted on scores of speakers left out, one after the other.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.train_recogniser import AdaptationSection
from ....models.contract import FloatArray
from ....models.decoders.voice_adaptation import MOST_UTTERANCES, WIDEST, AdaptedModel, voice_of
from ....models.signals.speech.voice_summary import functional_weights
from ...evaluation.splits import IntArray
from ..common.ridge import CLIP, Linear, solve_from_products

LENGTHS = (1, 2, 4, 8, 16, MOST_UTTERANCES)
"""Utterances that a simulated history holds, the one to judge among them."""
_FLOOR = 0.01


def fit_adapted(
    sources: Sequence[FloatArray],
    labels: IntArray,
    speakers: NDArray[np.str_],
    n_classes: int,
    model: Linear,
    rules: AdaptationSection,
    seed: int,
) -> AdaptedModel:
    """Fit the adapted model beside a model of the same utterances.

    Parameters
    ----------
    sources : sequence of (n, n_numbers) float32
        The utterances as they are and in each changed copy, in one order.
    labels : (n,) int64
    speakers : (n,) str
    n_classes : int
    model : Linear
        Whose standardisation is shared.
    rules : AdaptationSection
    seed : int
        Of the histories.
    """
    bounded = [np.clip((rows - model.mean) / model.scale, -WIDEST, WIDEST) for rows in sources]
    spread = np.sqrt(np.mean([_within(rows, speakers) for rows in bounded], axis=0)) + np.float32(1e-3)
    rng = np.random.default_rng(seed)
    importance = functional_weights() / np.sqrt(np.mean(functional_weights() ** 2))
    rows = np.concatenate([_relative(rows, labels, speakers, spread, rng, rules.single_share) for rows in bounded])
    rows = (np.clip(rows, -CLIP, CLIP) * importance).astype(np.float32)
    labels, speakers = np.tile(labels, len(sources)), np.tile(speakers, len(sources))
    products = (rows @ rows.T).astype(np.float64)

    def solve(chosen: NDArray[np.bool_]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return solve_from_products(
            products[np.ix_(chosen, chosen)],
            labels[chosen],
            speakers[chosen],
            n_classes,
            rules.penalty * rows.shape[1],
            rules.speaker_penalty,
        )

    held_out = np.empty((len(rows), n_classes))
    for speaker in np.unique(speakers):
        own = speakers == speaker
        coefficients, bias = solve(~own)
        held_out[own] = products[np.ix_(own, ~own)] @ coefficients + bias
    coefficients, bias = solve(np.ones(len(rows), bool))
    means, precision = back_end(held_out, labels, n_classes)
    arrays = (
        spread,
        np.asarray(rules.longest_shift * between_speakers(bounded[0], speakers[: len(bounded[0])])),
        (rows.T @ coefficients) * importance[:, None],
        bias,
        means,
        precision,
        np.asarray(rules.freedom),
    )
    return AdaptedModel(*(array.astype(np.float32) for array in arrays))


def back_end(
    scores: NDArray[np.float64], labels: IntArray, n_classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return each class's mean scores and the precision within classes, in which every class weighs the same.

    Parameters
    ----------
    scores : (n, n_classes)
        Of utterances of speakers whom the model that gave them was not trained on.
    labels : (n,) int64
    n_classes : int
    """
    means = np.stack([scores[labels == label].mean(axis=0) for label in range(n_classes)])
    apart = scores - means[labels]
    weight = 1.0 / np.bincount(labels, minlength=n_classes)[labels]
    covariance = (apart * weight[:, None]).T @ apart / weight.sum()
    return means, np.linalg.inv(covariance + _FLOOR * np.eye(n_classes))


def adapted_logits(
    numbers: FloatArray, model: Linear, adapted: AdaptedModel, before: FloatArray | None = None
) -> FloatArray:
    """Return the logits ``(n, n_classes)`` of one speaker's utterances, heard one after the other.

    Parameters
    ----------
    numbers : (n, n_numbers) float32
        In the order in which they are heard.
    model : Linear
    adapted : AdaptedModel
    before : (n_before, n_numbers) float32, optional
        What was heard of the speaker before.
    """
    first = 0 if before is None else len(before)
    heard = (np.concatenate((numbers[:0] if before is None else before, numbers)) - model.mean) / model.scale
    stops = range(first + 1, len(heard) + 1)
    return np.stack([adapted.logits(heard[max(stop - MOST_UTTERANCES - 1, 0) : stop], CLIP) for stop in stops])


def between_speakers(rows: FloatArray, speakers: NDArray[np.str_]) -> float:
    """Return the root mean square, over numbers, of the standard deviation of speakers' means."""
    means = np.stack([rows[speakers == name].mean(axis=0) for name in np.unique(speakers)])
    return float(np.sqrt(means.var(axis=0).mean()))


def _within(rows: FloatArray, speakers: NDArray[np.str_]) -> FloatArray:
    """Return the mean variance within speakers."""
    return np.asarray(np.mean([rows[speakers == name].var(axis=0) for name in np.unique(speakers)], axis=0))


def _relative(
    rows: FloatArray,
    labels: IntArray,
    speakers: NDArray[np.str_],
    spread: FloatArray,
    rng: np.random.Generator,
    single_share: float,
) -> FloatArray:
    """Return each row relative to a history of its speaker, itself included, drawn at random."""
    found = np.empty_like(rows)
    for index, row in enumerate(rows):
        others = np.flatnonzero(speakers == speakers[index])
        others = others[others != index]
        if len(others) and rng.random() < single_share:
            others = others[labels[others] == rng.choice(np.unique(labels[others]))]
        chosen = rng.permutation(others)[: rng.choice(LENGTHS) - 1]
        found[index] = voice_of(rows[[*chosen, index]], spread, np.inf).normalised(row)
    return found
