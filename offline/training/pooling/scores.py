"""Scores of a pool on people it was not fitted to, beside those of either side alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ....models.fusion.pool_file import PoolFile
from ...evaluation.intervals import Interval, over_groups
from ...evaluation.metrics import Array, IntArray, Scores, conformal_sets, nll, score, uar
from .fit import WeightsBySituation, pool_person
from .people import DecodedPerson

FELT, REWEIGHED, TABLE, VOICE, POOLED = (
    "face and EEG, as they are",
    "face and EEG, weighted anew",
    "voice, by the places of its categories",
    "voice, weighted",
    "pooled",
)
SELECTIONS = ("all", "while the participant speaks", "in the pauses")


@dataclass(frozen=True)
class PoolScores:
    """Scores of one axis over one selection of decisions.

    Attributes
    ----------
    rows : mapping of system to Scores
    gain_uar, gain_nll : Interval
        Pooled minus face and EEG weighted anew: what the voice brings, with 95 % over people. NLL falls where it helps.
    coverage, set_size : float
        How often the pooled sets hold the truth, and how many levels they hold.
    """

    rows: Mapping[str, Scores]
    gain_uar: Interval
    gain_nll: Interval
    coverage: float
    set_size: float


def score_pool(
    people: Sequence[DecodedPerson], table: PoolFile, fitted: WeightsBySituation, axis: int, seed: int
) -> Mapping[str, PoolScores]:
    """Score one axis over each of :data:`SELECTIONS`.

    Parameters
    ----------
    people : sequence of DecodedPerson
    table : PoolFile
    fitted : WeightsBySituation
        Of the axis.
    axis : 0 for valence, 1 for arousal
    seed : int
        Of the permutations.
    """
    systems: dict[str, list[Array]] = {
        FELT: [person.felt[:, axis] for person in people],
        REWEIGHED: [pool_person(_without_voice(person), fitted, axis, table.half_life_s) for person in people],
        TABLE: [person.voice[:, axis] for person in people],
        VOICE: [pool_person(_voice_alone(person), fitted, axis, table.half_life_s) for person in people],
        POOLED: [pool_person(person, fitted, axis, table.half_life_s) for person in people],
    }
    opinions = {name: np.concatenate(rows) for name, rows in systems.items()}
    limits = np.concatenate([[fitted[case].threshold if case else 0.0 for case in one.situations] for one in people])
    truth = np.concatenate([person.truth[:, axis] for person in people])
    groups = np.repeat(np.arange(len(people)), [len(person.truth) for person in people])
    speaks = np.concatenate([person.speaks for person in people])
    known = np.all([np.isfinite(rows[:, 0]) for rows in opinions.values()], axis=0)
    chosen = dict(zip(SELECTIONS, (known, known & speaks, known & ~speaks), strict=True))
    return {name: _score(truth, opinions, groups, limits, kept, seed) for name, kept in chosen.items()}


def _without_voice(person: DecodedPerson) -> DecodedPerson:
    """Return a person without anything heard of the voice."""
    return replace(
        person, voice=np.full_like(person.voice, np.nan), voice_end_s=np.full_like(person.voice_end_s, np.nan)
    )


def _voice_alone(person: DecodedPerson) -> DecodedPerson:
    """Return a person of whom nothing but the voice is there."""
    return replace(person, felt=np.full_like(person.felt, np.nan))


def _score(
    truth: IntArray, opinions: Mapping[str, Array], groups: IntArray, limits: Array, kept: np.ndarray, seed: int
) -> PoolScores:
    true, names = truth[kept], [str(group) for group in groups[kept]]
    rows = {name: score(true, probabilities[kept], names, seed) for name, probabilities in opinions.items()}
    pooled, control = opinions[POOLED][kept], opinions[REWEIGHED][kept]

    best, control_best = pooled.argmax(axis=1), control.argmax(axis=1)

    def gain_uar(index: IntArray) -> float:
        return uar(true[index], best[index]) - uar(true[index], control_best[index])

    def gain_nll(index: IntArray) -> float:
        return nll(true[index], pooled[index]) - nll(true[index], control[index])

    sets = np.stack([conformal_sets(row[None], limit)[0] for row, limit in zip(pooled, limits[kept], strict=True)])
    return PoolScores(
        rows,
        over_groups(gain_uar, names),
        over_groups(gain_nll, names),
        float(sets[np.arange(len(true)), true].mean()),
        float(sets.sum(axis=1).mean()),
    )
