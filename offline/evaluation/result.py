"""The keys that the JSON of every evaluation has at its top."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

_DIGITS = 4


def evaluation_values(
    *,
    protocol: str,
    groups: Sequence[str],
    n: int,
    seeds: Sequence[int],
    domain: Sequence[str],
    rows: Sequence[Mapping[str, Any]],
    paired: Sequence[Mapping[str, Any]],
    wall_s: float,
    **more: Any,
) -> dict[str, Any]:
    """Return the result of an evaluation as plain values for JSON.

    Parameters
    ----------
    protocol : str
        Who and what is kept apart; says "leaky" where something is not.
    groups : sequence of str
        The people over whom intervals are taken.
    n : int
        Items (decisions, utterances) judged.
    seeds : sequence of int
        Of the simulated people, or of the trainings.
    domain : sequence of str
        Where the signals come from.
    rows : sequence of mappings
        One for each system and axis, with at least ``name``, ``uar``, ``low`` and ``high``.
    paired : sequence of mappings
        Differences of two rows group by group: ``a``, ``b``, ``difference`` (a minus b), ``low``, ``high``.
    wall_s : float
        How long the evaluation took; NaN where that is not known.
    **more
        What only this evaluation has.

    Returns
    -------
    dict
        Numbers rounded to four decimals; null for what is not known.
    """
    return {
        "protocol": protocol,
        "groups": list(groups),
        "n": int(n),
        "seeds": list(seeds),
        "domain": list(domain),
        "rows": _plain(rows),
        "paired": _plain(paired),
        "wall_s": _plain(round(wall_s, 1)),
        **{key: _plain(value) for key, value in more.items()},
    }


def _plain(value: Any) -> Any:
    """Return a value made of what JSON has."""
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return round(value, _DIGITS) if math.isfinite(value) else None
    return value
