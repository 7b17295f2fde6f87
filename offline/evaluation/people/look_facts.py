"""What a policy of looks does: how long it waits, how often a look meets an expression, whether attention moves."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....models.contract import BANDS, FloatArray, Look
from ...simulate import BENCHMARK
from ...simulate.simulated_session import simulate_expressions

GRID_HZ = 8.0
# An expression shows from here on; intensities rise from 0 to an apex of 0.5 to 1 and fall again.
SHOWN = 0.25


FREE_S = 2.0
"""A moment is free of expressions where none showed for so long before it."""


def expression_free(seed: int, seconds: float, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return before which moments, from t0, a simulated person showed no expression, ``(n,)``.

    The core's memory reaches further back than :data:`FREE_S`.
    """
    plan = simulate_expressions(seed, seconds, BENCHMARK)
    grid_s = np.arange(np.floor(seconds * GRID_HZ) + 1) / GRID_HZ
    shown = np.concatenate([[0], np.cumsum(plan.expression_at(grid_s)[0] >= SHOWN)])
    ends = np.searchsorted(grid_s, times_s + 1e-6, side="right")
    starts = np.searchsorted(grid_s, times_s - FREE_S - 1e-6, side="left")
    free: NDArray[np.bool_] = shown[ends] == shown[starts]
    return free


def look_facts(name: str, people: Iterable[tuple[int, float, Sequence[Look], FloatArray]]) -> dict[str, Any]:
    """Return facts on the looks of one condition.

    Parameters
    ----------
    name : str
    people : iterable of (seed, seconds, looks, band attention)
        Simulated people of the benchmark, the looks taken, with times from t0, and the weights of the bands at each
        decision that read EEG, ``(n, 3)``.

    Returns
    -------
    dict
        ``name``, ``looks``; ``wait_mean`` and ``wait_sd`` in frames of the 8 Hz grid and ``waits``, how often each
        occurred; ``on_expression``, the share of looks at a face that expresses at least :data:`SHOWN` of the
        strongest, and ``expression_base_rate``, that of all moments of the grid from the first look on;
        ``band_attention_mean`` and ``band_attention_sd`` over decisions, per band (None without EEG).
    """
    waits: list[int] = []
    met: list[float] = []
    shown: list[float] = []
    attention: list[FloatArray] = []
    for seed, seconds, looks, weights_of_bands in people:
        plan = simulate_expressions(seed, seconds, BENCHMARK)
        times_s = np.array([look.time_s for look in looks])
        grid_s = np.arange(np.ceil(times_s[0] * GRID_HZ), np.floor(seconds * GRID_HZ)) / GRID_HZ
        met.extend(plan.expression_at(times_s)[0] >= SHOWN)
        shown.extend(plan.expression_at(grid_s)[0] >= SHOWN)
        waits.extend(look.waited_frames for look in looks if look.waited_frames is not None)
        attention.extend(weights_of_bands)
    weights = np.array(attention, np.float64).reshape(-1, len(BANDS))
    return {
        "name": name,
        "looks": len(met),
        "wait_mean": float(np.mean(waits)),
        "wait_sd": float(np.std(waits)),
        "waits": {str(wait): count for wait, count in sorted(Counter(waits).items())},
        "on_expression": float(np.mean(met)),
        "expression_base_rate": float(np.mean(shown)),
        "band_attention_mean": weights.mean(axis=0) if len(weights) else None,
        "band_attention_sd": weights.std(axis=0) if len(weights) else None,
    }
