"""Withhold answers that are no probabilities: whatever a decoder computes, nobody is shown a number that is none."""

import math
from dataclasses import replace

from ..contract import HeadOutput

NOT_FINITE = "the model's answer is no finite number"
_TOLERANCE = 1e-3


def finite_or_abstained(head: HeadOutput) -> HeadOutput:
    """Return an output as it is; where its answer is not finite, an abstention that says so.

    Probabilities must lie in 0..1 and sum to 1, within a thousandth.
    """
    numbers = (*(head.probabilities or ()), *(() if head.value is None else (head.value,)), *head.shares.values())
    sane = all(math.isfinite(number) for number in numbers)
    if sane and head.probabilities is not None:
        low, total = min(head.probabilities, default=0.0), sum(head.probabilities)
        sane = low >= -_TOLERANCE and abs(total - 1.0) <= _TOLERANCE
    if sane:
        return head
    return replace(head, probabilities=None, value=None, kept=(), shares={}, abstained=NOT_FINITE)
