import numpy as np
import pytest
from numpy.typing import NDArray

from moodring.models.signals.eeg.amplitude import AmplitudeFindings, check_amplitudes

RATE = 256
NAMES = ("Fp1", "Fp2", "F3", "F4", "C3", "C4", "P3", "P4", "EOG")
SCALP = np.array([name != "EOG" for name in NAMES])


@pytest.fixture
def second() -> NDArray[np.float64]:
    rng = np.random.default_rng(5)
    return rng.normal(scale=12, size=(RATE, len(NAMES))) + rng.normal(scale=5000, size=len(NAMES))


def findings_of(raw: NDArray[np.float64]) -> AmplitudeFindings:
    return check_amplitudes(raw, NAMES, SCALP, RATE, 50.0)


def test_eeg_is_eeg(second: NDArray[np.float64]) -> None:
    found = findings_of(second)
    assert (found.good, found.unit, found.channels) == (8, "", "")
    # White noise of 12 µV up to 128 Hz has a third of its power from 1 to 45 Hz.
    assert found.typical_uv == pytest.approx(12 * np.sqrt(44 / 128), rel=0.15)


@pytest.mark.parametrize(
    ("factor", "words"),
    [
        (1e-6, 'volts are taken for microvolts: set eeg.units = "volts"'),
        (1e-3, 'millivolts are taken for microvolts: set eeg.units = "millivolts"'),
        (1e6, "microvolts are taken for volts, or nanovolts for microvolts"),
        (1e3, "microvolts are taken for millivolts, or nanovolts for microvolts"),
    ],
)
@pytest.mark.parametrize("loudness", [0.3, 1.0, 6.0])
def test_a_wrong_unit_is_told_from_quiet_and_loud_people(
    second: NDArray[np.float64], factor: float, words: str, loudness: float
) -> None:
    found = findings_of(second * factor * loudness)
    assert found.good == 0
    assert words in found.unit


def test_bad_channels_are_named_with_what_to_do(second: NDArray[np.float64]) -> None:
    second[:, 0] = 312.0
    second[:, 1] = 1e-3 * second[:, 1]
    second[:, 2] = np.clip(second[:, 2], None, np.quantile(second[:, 2], 0.5))
    second[:, 3] *= 1000
    second[5, 4] = np.nan
    second[:, 8] = 0.0
    found = findings_of(second)
    assert found.good == 3
    assert found.unit == ""
    told = dict(part.rsplit(": ", 1) for part in found.channels.split("; "))
    assert {words.split(" (")[0].split(",")[0]: names for words, names in told.items()} == {
        "one value only": "Fp1",
        "flat": "Fp2",
        "at the amplifier's rail": "F3",
        "far louder than EEG": "F4",
        "values that are no numbers": "C3",
    }


def test_nothing_connected_is_no_question_of_units() -> None:
    found = findings_of(np.zeros((RATE, len(NAMES))))
    assert (found.good, found.unit) == (0, "")
    assert found.channels.startswith("one value only")
    assert found.channels.endswith("Fp1, Fp2, F3, F4, C3, C4 and 2 more")
