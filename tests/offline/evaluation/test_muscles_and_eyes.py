"""Muscles and eyes: which electrodes and bands are read, and that the bands of the brain are not."""

from dataclasses import replace

import numpy as np
import pytest

from moodring.models.contract import Signal
from moodring.offline.evaluation.muscles_and_eyes import muscle_eye_power, picked
from moodring.offline.simulate import simulate
from moodring.offline.simulate.head_model import CHANNEL_NAMES

NAMES = CHANNEL_NAMES
RATE_HZ = 256.0
TIMES_S = np.arange(0.0, 8.0, 1.0 / RATE_HZ)
ENDS_S = np.array([0.5, 5.0, 7.0])


def signal(hertz: float, channel: str, uv: float = 20.0) -> Signal:
    samples = np.random.default_rng(0).normal(0.0, 1.0, (len(TIMES_S), len(NAMES)))
    samples[:, NAMES.index(channel)] += uv * np.sin(2 * np.pi * hertz * TIMES_S)
    return Signal(samples.astype(np.float32), TIMES_S, RATE_HZ, NAMES, "made")


@pytest.mark.parametrize(
    ("hertz", "channel", "risen"),
    [(38.0, "T7", "muscles T7"), (2.5, "Fp1", "eyes Fp1"), (10.0, "T7", None), (38.0, "Cz", None), (2.5, "O1", None)],
)
def test_muscles_are_fast_over_the_temples_and_eyes_slow_over_the_forehead(
    hertz: float, channel: str, risen: str | None
) -> None:
    found = muscle_eye_power(signal(hertz, channel), ENDS_S, 50.0)
    assert set(found.names) == {"muscles F7", "muscles F8", "muscles T7", "muscles T8", "eyes Fp1", "eyes Fp2"}
    assert found.there.tolist() == [False, True, True], "the filters have settled, and a second is there"
    still = muscle_eye_power(signal(hertz, channel, 0.0), ENDS_S, 50.0)
    grown = (found.power - still.power)[1:].mean(axis=0)
    # The average reference takes a little of a channel to all others.
    assert [name for name, value in zip(found.names, grown, strict=True) if value > 1.6] == [risen] * (
        risen is not None
    )


def test_a_smile_shows_in_the_muscles_of_a_simulated_person() -> None:
    recording = simulate(4001, 40.0)
    assert recording.eeg is not None
    ends_s = recording.t0_s + np.arange(3.0, 40.0, 0.5)
    found = muscle_eye_power(recording.eeg, ends_s, 50.0)
    assert found.there.all()
    assert {name.split()[0] for name in found.names} == {"muscles", "eyes"}
    assert np.ptp(found.power, axis=0).min() > 0.3
    shuffled = muscle_eye_power(
        replace(recording.eeg, channel_names=tuple(reversed(recording.eeg.channel_names)),
                samples=recording.eeg.samples[:, ::-1]), ends_s, 50.0,
    )  # fmt: skip
    assert np.allclose(picked(shuffled, found.names), found.power, atol=1e-3)


def test_caps_without_such_electrodes_have_nothing_to_read() -> None:
    bare = Signal(np.zeros((512, 2), np.float32), TIMES_S[:512], RATE_HZ, ("Cz", "Pz"), "made")
    found = muscle_eye_power(bare, ENDS_S, 50.0)
    assert found.names == ()
    assert not found.there.any()
