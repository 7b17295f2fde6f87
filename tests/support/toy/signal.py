"""Simulated skin conductance: it lies higher, and has more responses, while the person is stressed."""

import numpy as np

from moodring.models.contract import Signal

MODALITY = "skin_conductance"
RATE_HZ = 10.0
CHANNELS = ("left hand", "right hand")
SWITCH_S = 8.0


def stressed_at(times_s):
    """Return whether the person is stressed: every other stretch of 8 s."""
    return (np.asarray(times_s) // SWITCH_S % 2).astype(bool)


def conductance(times_s, seed):
    """Return microsiemens, ``(n_times, 2)``, at times since the start."""
    times_s = np.asarray(times_s, np.float64)
    noise = np.random.default_rng(seed).normal(0.0, 0.1, (len(times_s), len(CHANNELS)))
    level = 4.0 + 3.0 * stressed_at(times_s) + 0.3 * np.sin(times_s)
    return (level[:, None] + noise).astype(np.float32)


def simulate(seed, seconds, t0_s=0.0):
    """Return a recorded signal that starts at ``t0_s``."""
    times_s = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return Signal(conductance(times_s, seed), t0_s + times_s, RATE_HZ, CHANNELS, MODALITY)
