"""Simulated EEG: spectra follow the latents, artifacts are where they belong, people differ."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.signal import welch

from moodring.offline.simulate.difficulty import BENCHMARK
from moodring.offline.simulate.eeg import EEG_RATE_HZ, draw_brain, simulate_eeg
from moodring.offline.simulate.face_plan import Burst, Cue, FacePlan
from moodring.offline.simulate.head_model import CHANNEL_NAMES
from moodring.offline.simulate.latents import Latents

DURATION_S = 20.0
NOTHING = FacePlan((), (), ())


def _felt(valence: float, arousal: float) -> Latents:
    times_s = np.arange(int(DURATION_S * 32) + 1) / 32.0
    return Latents(times_s, np.tile((valence, arousal), (len(times_s), 1)), 0.0, ())


def _eeg(seed: int, valence: float = 0.0, arousal: float = 0.0, face: FacePlan = NOTHING) -> NDArray[np.float32]:
    return simulate_eeg(seed, DURATION_S, _felt(valence, arousal), face, BENCHMARK)


def _log_power(eeg: NDArray[np.float32], low_hz: float, high_hz: float) -> dict[str, float]:
    hertz, power = welch(eeg, EEG_RATE_HZ, nperseg=512, axis=0)
    band = (hertz >= low_hz) & (hertz < high_hz)
    return dict(zip(CHANNEL_NAMES, np.log(power[band].mean(axis=0)), strict=True))


def _change(channels: tuple[str, ...], band: tuple[float, float], high: tuple[float, float], low: tuple[float, float]):
    """Mean change of log power over people from one emotion to another; the median leaves bad contacts out."""
    changes = []
    for seed in range(1, 6):
        one, other = _log_power(_eeg(seed, *high), *band), _log_power(_eeg(seed, *low), *band)
        changes += [one[name] - other[name] for name in channels]
    return float(np.median(changes))


def test_alpha_is_stronger_in_calm_over_the_back_of_the_head() -> None:
    assert _change(("O1", "Oz", "O2", "PO3", "PO4"), (8, 13), (0.0, -0.7), (0.0, 0.7)) > 0.4


def test_beta_grows_with_arousal_over_the_front() -> None:
    assert _change(("AF3", "F3", "AF4", "F4"), (13, 30), (0.0, 0.7), (0.0, -0.7)) > 0.1


def test_frontal_alpha_moves_to_the_right_with_valence() -> None:
    left = _change(("F3", "AF3"), (8, 13), (0.7, 0.0), (-0.7, 0.0))
    right = _change(("F4", "AF4"), (8, 13), (0.7, 0.0), (-0.7, 0.0))
    assert left < -0.3
    assert right > 0.3


def test_the_background_falls_with_frequency_and_mains_stand_out() -> None:
    hertz, power = welch(_eeg(3), EEG_RATE_HZ, nperseg=1024, axis=0)
    middle = np.median(power, axis=1)
    slow, fast = (middle[(hertz > low) & (hertz < high)].mean() for low, high in ((1, 3), (35, 45)))
    assert slow > 5.0 * fast
    assert middle[np.argmin(np.abs(hertz - 50.0))] > 10.0 * fast


def test_offsets_are_millivolts_and_one_contact_is_off() -> None:
    eeg = _eeg(4)
    assert np.abs(eeg.mean(axis=0)).max() > 5_000.0
    spread = eeg.std(axis=0)
    # The contact that came off carries mains of 600 uV; the drifting one moves slowly.
    assert (np.diff(eeg, axis=0).std(axis=0) > 300.0).sum() == 1
    assert np.median(spread) < 50.0


def test_blinks_reach_the_forehead() -> None:
    blinking = _eeg(4, face=FacePlan((), (10.0,), ())) - _eeg(4)
    peak = dict(zip(CHANNEL_NAMES, blinking[int(10.0 * EEG_RATE_HZ)], strict=True))
    assert max(peak["Fp1"], peak["Fp2"]) > 40.0
    assert peak["Oz"] < 1.0


def test_a_smile_reaches_the_temples_as_muscle_noise() -> None:
    smile = FacePlan((Burst(10.0, 12.0, 1.0, 1.0, 0.0),), (), ())
    added = (_eeg(4, face=smile) - _eeg(4))[int(10.6 * EEG_RATE_HZ) : int(11.2 * EEG_RATE_HZ)].std(axis=0)
    strength = dict(zip(CHANNEL_NAMES, added, strict=True))
    assert min(strength["T7"], strength["T8"]) > 2.0
    assert strength["Pz"] < 0.3


def test_a_cue_is_midline_theta() -> None:
    told = _eeg(4, face=FacePlan((), (), (Cue(10.0, 0.2),))) - _eeg(4)
    during = dict(zip(CHANNEL_NAMES, np.abs(told[int(9.5 * 256) : int(10.5 * 256)]).max(axis=0), strict=True))
    assert during["Fz"] > 3.0
    assert during["O1"] < 0.2 * during["Fz"]
    assert np.abs(told[: int(8.5 * 256)]).max() < 0.1


def test_people_differ_in_rhythm_gain_and_fields() -> None:
    people = [draw_brain(seed, BENCHMARK) for seed in range(1, 41)]
    alpha_hz = [one.rhythm_hz["alpha"] for one in people]
    assert min(alpha_hz) >= 8.5
    assert max(alpha_hz) <= 11.5
    assert np.std(alpha_hz) > 0.5
    assert np.std([np.log(one.gain) for one in people]) == pytest.approx(0.25, abs=0.1)
    assert not np.allclose(people[0].fields, people[1].fields)
