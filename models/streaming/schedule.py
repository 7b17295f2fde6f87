"""When decisions and looks happen, and what they are made from."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models.contract import Image
from .intake import Intake


@dataclass(frozen=True)
class Plan:
    """When things happen, on the clock of the stamps.

    Attributes
    ----------
    t0_s : float
    interval_s : float
        Between decisions, which happen at ``t0_s + k * interval_s``.
    first : int
        k of the first decision.
    rest_s : float
    grid_hz : float
        Of the looks.
    max_wait_frames : int
    window_s : float
        Of the EEG that a look sees.
    eeg_delay_s : float
        Of the causal filters; 0 without EEG.
    """

    t0_s: float
    interval_s: float
    first: int
    rest_s: float
    grid_hz: float
    max_wait_frames: int
    window_s: float
    eeg_delay_s: float

    @property
    def eeg_delay_ms(self) -> float | None:
        """The filters' delay in milliseconds; None without EEG."""
        return round(self.eeg_delay_s * 1000, 2) or None

    def time_s(self, k: int) -> float:
        """Give the data time of a decision."""
        return self.t0_s + k * self.interval_s


@dataclass(frozen=True)
class Lane:
    """One source's samples, and how to make a picture of one of them."""

    intake: Intake
    picture: Callable[[NDArray[Any]], Image]


def next_decision(plan: Plan, k: int, now_s: float, lateness_s: float) -> tuple[int, int]:
    """Say which decision to make next, so that being late once never makes the next ones late.

    Parameters
    ----------
    plan : Plan
    k : int
        The one after the last.
    now_s : float
    lateness_s : float
        How long a decision may wait for samples.

    Returns
    -------
    int
        The decision to make; a later one where the next is more than an interval overdue.
    int
        How many are left out.
    """
    overdue_s = now_s - lateness_s - plan.time_s(k)
    left_out = max(0, int(overdue_s / plan.interval_s))
    return k + left_out, left_out


def first_decision(t0_s: float, first_stamp_s: float, warmup_s: float, interval_s: float) -> int:
    """Give k of the first decision that has ``warmup_s`` of data before it."""
    return max(0, math.ceil((first_stamp_s - t0_s + warmup_s) / interval_s - 1e-3))


def identity(sample: NDArray[Any]) -> Image:
    """Take a sample of a face ring for the picture that it is."""
    return np.asarray(sample, np.uint8)
