from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import Head, Marker, Recording, Signal
from moodring.offline.calibration.labels import LEVELS, labelled_stretches
from moodring.offline.simulate import EASY, simulate

AXES = tuple(Head(axis, "felt", LEVELS) for axis in ("valence", "arousal"))
STATE = (Head("workload", "effort", ("rest", "arithmetic")),)


def recording(*marks: tuple[float, str], seconds: float = 100.0) -> Recording:
    stamps_s = 50.0 + np.arange(round(seconds)) / 1.0
    eeg = Signal(np.zeros((len(stamps_s), 1), np.float32), stamps_s, 1.0, ("Cz",), "amplifier")
    markers = tuple(Marker(50.0 + at_s, text) for at_s, text in marks)
    return Recording("fake", "P07", "lab", 50.0, 10.0, eeg, None, None, None, markers)


def write(folder: Path, *lines: str) -> Path:
    path = folder / "labels.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_table_of_times_and_ratings(tmp_path: Path) -> None:
    table = write(tmp_path, "start_s,stop_s,valence,arousal", "40,60,8,", "12,20,high,5", "2,9,1,1")
    found = labelled_stretches(recording(), AXES, table, rest_s=10.0)
    assert [(one.start_s, one.stop_s, one.classes) for one in found] == [(12.0, 20.0, (2, 1)), (40.0, 60.0, (2, None))]


def test_a_table_that_names_markers(tmp_path: Path) -> None:
    marked = recording((20.0, "clip"), (40.0, "pause"), (50.0, "clip"), (70.0, "end"))
    table = write(tmp_path, "marker,label,duration_s", "clip,arithmetic,", "clip,rest,5")
    found = labelled_stretches(marked, STATE, table)
    assert [(one.start_s, one.stop_s, one.classes) for one in found] == [(20.0, 40.0, (1,)), (50.0, 55.0, (0,))]


def test_markers_rate_the_stimulus_before_them() -> None:
    marked = recording(
        (12.0, "stimulus_7"), (30.0, "stimulus_end"), (35.0, "rating valence=2 arousal=5"),
        (40.0, "stimulus_2"), (60.0, "rating arousal=high"),
    )  # fmt: skip
    found = labelled_stretches(marked, AXES)
    assert [(one.start_s, one.stop_s, one.classes) for one in found] == [(12.0, 30.0, (0, 1)), (40.0, 60.0, (None, 2))]


def test_markers_name_blocks() -> None:
    found = labelled_stretches(recording((10.0, "rest"), (30.0, "Arithmetic_start"), (60.0, "end")), STATE)
    assert [(one.start_s, one.stop_s, one.classes) for one in found] == [(10.0, 30.0, (0,)), (30.0, 60.0, (1,))]


def test_a_simulated_person_rates_the_mean_of_what_was_felt() -> None:
    person = simulate(620, 60.0, EASY)
    found = labelled_stretches(person, AXES, rest_s=person.rest_s)
    truth = person.truth
    assert truth is not None
    assert found[0].start_s == pytest.approx(person.rest_s, abs=0.2)
    for one in found:
        times_s = truth.stamps_s - person.t0_s
        mean = truth.latents[(times_s >= one.start_s) & (times_s < one.stop_s)].mean(axis=0)
        assert one.classes == tuple(int(level) for level in np.digitize(mean, (-1 / 3, 1 / 3)))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("start_s,stop_s,valence,arousal", "20,30,70,1"), "line 2: valence is 70, outside 1 to 9.*--scale LOW:HIGH"),
        (("start_s,stop_s,valence,arousal", "20,30,sad,1"), "valence is 'sad'; low, medium, high or a rating"),
        (("start_s,stop_s,valence,arousal", "20,300,5,5"), "from 20 to 300 s; the recording lasts 99.0 s"),
        (("start_s,stop_s,valence,arousal", "20,10,5,5"), "ends after it begins"),
        (("start_s,stop_s,valence,arousal", "20,40,5,5", "30,50,5,5"), "from 30 s begins before that from 20 s ends"),
        (("start_s,stop_s,valence,arousal", "soon,40,5,5"), "line 2: start_s is 'soon'"),
        (("time,mood", "1,2"), "has columns time, mood; expected start_s and stop_s"),
        (("marker,valence", "clip,5"), "marker 'clip' comes 0 times"),
        (("start_s,stop_s,valence,arousal",), "carries no labels for valence, arousal"),
    ],
)
def test_what_a_table_may_not_hold(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    with pytest.raises(MoodringError, match=said):
        labelled_stretches(recording(), AXES, write(tmp_path, *lines))


def test_no_labels_at_all_and_no_file(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match="carries no labels for valence, arousal: give --labels CSV"):
        labelled_stretches(recording((20.0, "stimulus_1")), AXES)
    with pytest.raises(MoodringError, match="cannot be read"):
        labelled_stretches(recording(), AXES, tmp_path / "absent.csv")


def test_ratings_of_nothing_and_of_unknown_heads() -> None:
    with pytest.raises(MoodringError, match="rates no stimulus"):
        labelled_stretches(recording((20.0, "rating valence=5")), AXES)
    with pytest.raises(MoodringError, match="rates nothing that the bundle answers"):
        labelled_stretches(recording((20.0, "stimulus_1"), (30.0, "rating mood=5")), AXES)


def test_labels_of_a_recording_with_truth_may_come_from_a_table(tmp_path: Path) -> None:
    person = replace(simulate(620, 40.0, EASY), speech=None)
    found = labelled_stretches(person, AXES, write(tmp_path, "start_s,duration_s,valence,arousal", "20,7,low,high"))
    assert [one.classes for one in found] == [(0, 2)]
