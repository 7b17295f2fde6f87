"""DEAP preprocessed: rows joined with films through the table, levels, and what is refused."""

import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.affect.deap import ELECTRODES, RATE_HZ, read
from moodring.offline.datasets.affect_corpus import NINE_POINTS
from moodring.offline.datasets.array_pickles import read_arrays
from moodring.offline.datasets.open_affect import read_affect
from tests.support.deap_fake import presented, rating, write_preprocessed

SECONDS = 4


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_preprocessed(tmp_path_factory.mktemp("above") / "DEAP", (1, 23), 3, SECONDS, missing={(1, 2)})


def test_rows_and_films_are_joined_by_the_table(root: Path) -> None:
    corpus = read(root)
    seen = [trial for trial in corpus.trials if trial.subject == "s01"]
    assert [int(trial.stimulus) for trial in seen] == presented(1, 3)
    assert [None if t.video is None else t.video.name for t in seen] == ["s01_trial01.avi", None, "s01_trial03.avi"]
    for trial in corpus.trials:
        assert trial.ratings["valence"] == pytest.approx(rating(int(trial.subject[1:]), int(trial.stimulus))[0])
    assert "s01: 1 of 3 trials have no film of the face" in corpus.problems
    assert "s23: 3 of 3 trials have no film of the face" in corpus.problems
    assert any("3 of 40 trials" in problem for problem in corpus.problems)


def test_a_trial_is_a_recording_with_its_rest_and_film(root: Path) -> None:
    corpus = read(root)
    trial = corpus.trials[0]
    recording = corpus.load(trial)
    assert recording.eeg is not None
    assert recording.eeg.channel_names == ELECTRODES
    assert len(recording.eeg.samples) == (3 + SECONDS) * RATE_HZ
    stored = read_arrays(root / "data_preprocessed_python" / "s01.dat")["data"]
    row = int(trial.stimulus) - 1
    assert np.allclose(recording.eeg.samples[:, 5], stored[row, 5], atol=1e-3)
    assert recording.rest_s == 3.0
    assert recording.face is not None
    assert recording.face.stamps_s[0] == 3.0
    assert recording.truth is not None
    wanted = [["low", "medium", "high"].index(trial.labels[axis]) for axis in ("valence", "arousal")]
    assert recording.truth.levels[: 3 * 8].tolist() == [[-1, -1]] * 24
    assert recording.truth.levels[3 * 8 :].tolist() == [wanted] * (8 * SECONDS)


def test_without_the_order_of_presentation_no_rest_counts_for_another_trial(root: Path, tmp_path: Path) -> None:
    unordered = read(write_preprocessed(tmp_path / "DEAP", (1,), 3, SECONDS, table=False, films=False))
    assert len({trial.groups["session"] for trial in unordered.trials}) == 3
    assert {trial.groups["session"] for trial in read(root).trials} == {"s01", "s23"}


def test_a_rating_on_an_edge_belongs_to_the_lower_level() -> None:
    levels = [NINE_POINTS.level(value, "v") for value in (1.0, 4.5, 4.51, 5.5, 5.51, 9.0)]
    assert levels == ["low", "low", "medium", "medium", "high", "high"]


def test_ratings_outside_the_scale_are_refused(tmp_path: Path) -> None:
    root = write_preprocessed(tmp_path, (1,), 1, 1, table=False, films=False)
    path = root / "data_preprocessed_python" / "s01.dat"
    arrays = read_arrays(path)
    arrays["labels"] = arrays["labels"].copy()
    arrays["labels"][0, 0] = 12.0
    path.write_bytes(pickle.dumps(arrays, protocol=2))
    with pytest.raises(MoodringError, match=r"trial 's01 video 01': valence is 12; 1 to 9 was expected"):
        read(root)


def test_a_table_of_other_ratings_is_refused(tmp_path: Path) -> None:
    root = write_preprocessed(tmp_path, (1,), 2, 1, films=False)
    table = root / "participant_ratings.csv"
    table.write_text(table.read_text().replace("2.05", "3.05"))
    with pytest.raises(MoodringError, match=r"video 1 has valence 2\.05, the table of ratings has 3\.05"):
        read(root)


class Harmful:
    def __reduce__(self) -> object:
        return os.system, ("touch harmed",)


@pytest.mark.parametrize(
    "content",
    [
        {"data": Harmful(), "labels": np.zeros((1, 4))},
        {"data": np.array([Harmful()], dtype=object), "labels": np.zeros((1, 4))},
    ],
    ids=["a call", "an array of objects"],
)
@pytest.mark.parametrize("protocol", [0, 2, 5])
def test_nothing_but_arrays_is_unpickled(
    content: object, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "s01.dat"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    with pytest.raises(MoodringError, match="a pickled dictionary of numeric arrays was expected"):
        read_arrays(path)
    assert not (tmp_path / "harmed").exists()


@pytest.mark.parametrize("damage", [b"", b"\x80\x02", b"no pickle", b"\x80\x02]q\x00."])
def test_what_is_no_pickle_of_arrays_is_one_line(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "s01.dat"
    path.write_bytes(damage)
    with pytest.raises(MoodringError, match=r"s01\.dat") as raised:
        read_arrays(path)
    assert "\n" not in str(raised.value)


def test_a_file_cut_short_is_named(tmp_path: Path) -> None:
    root = write_preprocessed(tmp_path, (1,), 1, 1, table=False, films=False)
    path = root / "data_preprocessed_python" / "s01.dat"
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(MoodringError, match=r"s01\.dat' (cannot be read|holds)"):
        read(root)


def test_arrays_in_columns_and_of_python_2_are_read(tmp_path: Path) -> None:
    columns = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    # As Python 2 wrote it: bytes as text, and no codec.
    old = (
        b"\x80\x02}U\x04dataq\x01cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x02\x85cnumpy\ndtype\nU\x02i2K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89U\x04\x01\x00\xff\xfftbs."
    )
    path = tmp_path / "s01.dat"
    path.write_bytes(pickle.dumps({"data": columns}, protocol=2))
    assert (read_arrays(path)["data"] == columns).all()
    path.write_bytes(old)
    assert read_arrays(path)["data"].tolist() == [1, -1]


def test_a_folder_one_level_off_is_named(root: Path, tmp_path: Path) -> None:
    assert read_affect(root).name == "DEAP"
    with pytest.raises(MoodringError, match=f"'{root.parent}' has no layout that is known, '{root}' has that of deap"):
        read_affect(root.parent)
    with pytest.raises(MoodringError, match=f"is a part of a corpus; give its folder, '{root}'"):
        read_affect(root / "data_preprocessed_python")
    with pytest.raises(MoodringError, match="has the layout of none of"):
        read_affect(tmp_path)
