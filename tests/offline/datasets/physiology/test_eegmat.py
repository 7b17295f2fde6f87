import numpy as np
import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.offline.datasets.open_physiology import physiology_names, read_physiology
from moodring.offline.evaluation.splits import Items, LeaveOneGroupOut
from tests.support import eegmat_fake as fake


@pytest.mark.parametrize("published", [True, False])
def test_each_person_has_rest_and_arithmetic(tmp_path, published):
    corpus = read_physiology("eegmat", fake.write_eegmat(tmp_path, 2, published))
    assert [(t.subject, t.labels["task"]) for t in corpus.trials] == [
        ("00", "rest"), ("00", "arithmetic"), ("01", "rest"), ("01", "arithmetic"),
    ]  # fmt: skip
    assert corpus.trials[2].groups == {"session": "01 rest", "sex": "F"}
    assert corpus.trials[2].ratings == {"subtractions": 10.5}
    assert not corpus.problems
    recording = corpus.load(corpus.trials[1])
    assert (recording.participant, recording.origin) == ("00", "EEGMAT")
    assert recording.eeg.rate_hz == fake.RATE_HZ
    wanted = fake.person(0, "arithmetic", fake.ARITHMETIC_S)
    np.testing.assert_allclose(recording.eeg.samples, wanted, atol=0.06)


def test_people_can_be_kept_apart(tmp_path):
    corpus = read_physiology("eegmat", fake.write_eegmat(tmp_path, 2))
    folds = list(LeaveOneGroupOut().splits(Items.of(corpus.trials)))
    assert [fold.test.tolist() for fold in folds] == [[0, 1], [2, 3]]


def test_what_is_missing_is_named_and_left_out(tmp_path):
    folder = fake.write_eegmat(tmp_path, 3)
    (folder / "sub-01_arithmetic.edf").unlink()
    for name in ("sub-02_rest.edf", "sub-02_arithmetic.edf"):
        (folder / name).unlink()
    corpus = read_physiology("eegmat", folder)
    assert {trial.subject for trial in corpus.trials} == {"00"}
    assert corpus.problems == (
        "person 02 is in the table and has no recording",
        "person 01 has no recording of arithmetic",
    )


def test_a_wrong_folder_is_refused_with_the_right_one(tmp_path):
    folder = fake.write_eegmat(tmp_path / "up" / "eegmat", 1)
    with pytest.raises(MoodringError, match=f"give '{folder}'"):
        read_physiology("eegmat", folder.parent)
    with pytest.raises(MoodringError, match="does not exist"):
        read_physiology("eegmat", tmp_path / "nowhere")
    for path in folder.glob("*_rest.edf"):
        path.unlink()
    with pytest.raises(MoodringError, match="nobody with rest and arithmetic"):
        read_physiology("eegmat", folder)
    with pytest.raises(ConfigError, match="name one of eegmat"):
        read_physiology("eegmet", folder)
    assert {"eegmat", "muse"} <= set(physiology_names())


def test_a_cut_file_and_a_count_that_is_none_are_one_line(tmp_path):
    folder = fake.write_eegmat(tmp_path, 1)
    corpus = read_physiology("eegmat", folder)
    (folder / "sub-00_rest.edf").write_bytes(b"0       cut")
    with pytest.raises(MoodringError, match=r"sub-00_rest.edf' cannot be read as EEG") as caught:
        corpus.load(corpus.trials[0])
    assert "\n" not in str(caught.value)
    table = folder / "participants.tsv"
    table.write_text(table.read_text().replace("9.5", "many"))
    with pytest.raises(MoodringError, match="person 00 has 'many' subtractions; a number was expected"):
        read_physiology("eegmat", folder)


@pytest.mark.data
def test_the_real_corpus(data_dir):
    corpus = read_physiology("eegmat", data_dir / "eegmat")
    assert len(corpus.trials) == 56
    assert not corpus.problems
    recording = corpus.load(corpus.trials[0])
    assert recording.eeg.samples.shape == (182 * 128, 21)
    assert 1.0 < np.std(recording.eeg.samples[:, 14]) < 100.0
