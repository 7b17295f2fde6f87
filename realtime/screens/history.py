"""The last two minutes of answers, looks and truth, from the snapshots that a screen has read."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...models.contract import LEVELS, FloatArray, Look, TimeArray
from ..ipc.snapshot import Snapshot

SPAN_S = 120.0
LOOKS_SPAN_S = 32.0
TRUTH_STEP_S = 0.25


@dataclass(frozen=True)
class History:
    """The recent past, oldest first.

    Attributes
    ----------
    session : tuple
        The engine's name and t0; another session starts another history.
    times_s : (n,) float64
        Data times of the decisions.
    valence, arousal : (n, 3) float32
        Probabilities of low, medium, high.
    undecided : (n, 2) bool
        Whether valence, and arousal, were left with every level open.
    truth_times_s : (m,) float64
    truth : (m, 2) float32
        True valence and arousal of a simulated participant.
    looks : tuple of Look
        Of the last half minute.
    """

    session: tuple[str, float | None]
    times_s: TimeArray
    valence: FloatArray
    arousal: FloatArray
    undecided: NDArray[np.bool_]
    truth_times_s: TimeArray
    truth: FloatArray
    looks: tuple[Look, ...]


def empty(snapshot: Snapshot | None = None) -> History:
    """Return an empty history, for the session of ``snapshot`` where one is given."""
    none = np.empty((0, 3), np.float32)
    session = ("", None) if snapshot is None else (snapshot.engine, snapshot.t0_s)
    nothing = np.empty(0)
    return History(session, nothing, none, none, np.empty((0, 2), np.bool_), nothing, np.empty((0, 2), np.float32), ())


def prefilled(history: History, stamps_s: TimeArray, rows: FloatArray, labels: Sequence[str]) -> History:
    """Return a history with the engine's own ring of estimates before it: for a screen that attaches late.

    Parameters
    ----------
    history : History
    stamps_s : (n,) float64
    rows : (n, n_columns) float32
    labels : sequence of str
        Names of the columns: ``valence_low`` …; without those of valence and arousal nothing is known of before.
    """
    columns = [f"{axis}_{level}" for axis in ("valence", "arousal") for level in LEVELS]
    if not set(columns) <= set(labels):
        return history
    undecided = np.zeros((len(rows), 2), np.bool_)
    for which, axis in enumerate(("valence", "arousal")):
        if (column := f"{axis}_undecided") in labels:
            undecided[:, which] = rows[:, list(labels).index(column)] == 1.0
    rows = rows[:, [list(labels).index(column) for column in columns]]
    first = history.times_s[0] if len(history.times_s) else np.inf
    known = (stamps_s < first) & np.isfinite(rows).all(axis=1)
    return replace(
        history,
        times_s=np.concatenate([stamps_s[known], history.times_s]),
        valence=np.concatenate([rows[known, :3], history.valence]),
        arousal=np.concatenate([rows[known, 3:], history.arousal]),
        undecided=np.concatenate([undecided[known], history.undecided]),
    )


def ending(history: History, time_s: float) -> History:
    """Return the history up to a time."""
    known, told = history.times_s <= time_s, history.truth_times_s <= time_s
    return replace(
        history,
        times_s=history.times_s[known],
        valence=history.valence[known],
        arousal=history.arousal[known],
        undecided=history.undecided[known],
        truth_times_s=history.truth_times_s[told],
        truth=history.truth[told],
        looks=tuple(look for look in history.looks if look.time_s <= time_s),
    )


def extended(history: History, snapshot: Snapshot) -> History:
    """Return the history with what is new in ``snapshot``; the same object where nothing is."""
    if history.session != (snapshot.engine, snapshot.t0_s):
        history = empty(snapshot)
    return _with_estimate(_with_truth(history, snapshot), snapshot)


def _with_estimate(history: History, snapshot: Snapshot) -> History:
    estimate = snapshot.estimate
    if estimate is None:
        return history
    # Looks are told whether anything is answered or not.
    old = tuple(look for look in history.looks if look.time_s >= estimate.time_s - LOOKS_SPAN_S)
    newest = old[-1].time_s if old else -np.inf
    new = tuple(look for look in estimate.looks if look.time_s > newest)
    if new:
        history = replace(history, looks=(*old, *new))
    valence, arousal = estimate.answer("valence"), estimate.answer("arousal")
    if valence is None or arousal is None:
        return history
    if len(history.times_s) and estimate.time_s <= history.times_s[-1]:
        return history
    keep = history.times_s >= estimate.time_s - SPAN_S
    return replace(
        history,
        times_s=np.append(history.times_s[keep], estimate.time_s),
        valence=np.vstack([history.valence[keep], np.asarray(valence.probabilities, np.float32)]),
        arousal=np.vstack([history.arousal[keep], np.asarray(arousal.probabilities, np.float32)]),
        undecided=np.vstack([history.undecided[keep], [_open(valence.kept), _open(arousal.kept)]]),
    )


def _open(members: tuple[int, ...]) -> bool:
    return len(members) == len(LEVELS)


def _with_truth(history: History, snapshot: Snapshot) -> History:
    if snapshot.truth is None:
        return history
    if len(history.truth_times_s) and snapshot.now_s < history.truth_times_s[-1] + TRUTH_STEP_S:
        return history
    keep = history.truth_times_s >= snapshot.now_s - SPAN_S
    return replace(
        history,
        truth_times_s=np.append(history.truth_times_s[keep], snapshot.now_s),
        truth=np.vstack([history.truth[keep], np.asarray([snapshot.truth], np.float32)]),
    )
