import warnings

import numpy as np
import pytest
from scipy.optimize import least_squares

from moodring.configs.schema.errors import MoodringError
from moodring.models.signals.eeg.montage import POSITIONS, canonical_name, find_channel, positions, scalp_channels


def test_table_is_mnes_montage() -> None:
    import mne

    with warnings.catch_warnings():  # newer MNE renames it, older ones know no other name
        warnings.simplefilter("ignore", FutureWarning)
        montage = mne.channels.make_standard_montage("standard_1005")
    places = montage.get_positions()["ch_pos"]
    points = np.array([places[name] for name in POSITIONS])
    fit = least_squares(lambda p: np.linalg.norm(points - p[:3], axis=1) - p[3], [0, 0, 0, 0.09])
    unit = points - fit.x[:3]
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    radius = np.arccos(unit[:, 2]) / (np.pi / 2)
    azimuth = np.arctan2(unit[:, 1], unit[:, 0])
    expected = np.column_stack([radius * np.cos(azimuth), radius * np.sin(azimuth)])
    np.testing.assert_allclose(np.array(list(POSITIONS.values())), expected, atol=1.5e-3)


def test_left_is_left_and_the_nose_is_up() -> None:
    assert POSITIONS["T7"][0] < -0.9 < 0.9 < POSITIONS["T8"][0]
    assert POSITIONS["Oz"][1] < -0.8 < 0.9 < POSITIONS["Fpz"][1]
    assert np.hypot(*POSITIONS["Cz"]) < 0.06


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("Fp1", "Fp1"),
        ("fp1", "Fp1"),
        ("FP1", "Fp1"),
        ("Fp1-REF", "Fp1"),
        ("EEG FP1", "Fp1"),
        ("EEG Fp1-A2", "Fp1"),
        ("EEG Fpz-LE", "Fpz"),
        ("O1 - Ref", "O1"),
        ("eeg_C3-a1a2", "C3"),
        ("Fc5.", "FC5"),
        (" OZ ", "Oz"),
        ("T3", "T7"),
        ("T4", "T8"),
        ("t5", "P7"),
        ("T6-REF", "P8"),
        ("TP9", "TP9"),
    ],
)
def test_names_that_mean_an_electrode(name: str, canonical: str) -> None:
    assert canonical_name(name) == canonical


@pytest.mark.parametrize(
    "name", ["EOG", "hEOG", "GSR", "Right AUX", "A1", "M2", "Status", "F7-T3", "Fp1-F3", "", "EEG", "1", "B12"]
)
def test_names_that_are_not_on_the_scalp(name: str) -> None:
    assert canonical_name(name) is None


def test_an_electrode_that_comes_twice_counts_once() -> None:
    names = ("T3", "EOG", "T7", "Cz")
    assert scalp_channels(names).tolist() == [True, False, False, True]
    assert np.isnan(positions(names)).any(axis=1).tolist() == [False, True, True, False]


@pytest.mark.parametrize(
    ("wanted", "names", "index"),
    [
        ("A1", ("Fp1", "A1"), 1),
        ("A1", ("EEG Fp1-REF", "EEG A1-REF"), 1),
        ("a2", ("A1", "A2"), 1),
        ("EEG 003", ("EEG 001", "EEG 003"), 1),
        ("EEG 3", ("EEG 001", "EEG 003"), 1),
        ("3", ("EEG 003", "EEG 030"), 0),
        ("Fp1", ("FP1-LE", "FP2-LE"), 0),
        ("T7", ("T4", "T3"), 1),
        ("M1", ("A1", "M2"), None),
        ("EEG 010", ("EEG 001", "EEG 100"), None),
        ("Cz", ("cz", "Cz"), 1),  # exactly that name comes first
    ],
)
def test_the_channel_that_a_config_means(wanted: str, names: tuple[str, ...], index: int | None) -> None:
    assert find_channel(wanted, names) == index


def test_a_name_that_fits_two_channels_is_refused() -> None:
    with pytest.raises(MoodringError, match="'A1-REF', 'EEG A1'"):
        find_channel("A1", ("A1-REF", "EEG A1", "Cz"))
