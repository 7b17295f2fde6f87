"""DEAP as recorded: electrodes by name whatever their order, trials by code, and what is missing."""

from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.affect.deap import ELECTRODES
from moodring.offline.datasets.affect.deap_original import read
from moodring.offline.datasets.open_affect import read_affect
from tests.support.corpus_parts import made_eeg
from tests.support.deap_fake import presented, rating, write_original

SECONDS, RATE_HZ = 6, 128


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("DEAP")
    return write_original(folder, (1, 24), 2, SECONDS, RATE_HZ, missing={(1, 2)})


@pytest.mark.parametrize("person", [1, 24], ids=["first order", "second order, with higher bits set"])
def test_trials_are_found_by_their_code_and_electrodes_by_name(person: int, root: Path) -> None:
    corpus = read_affect(root)
    theirs = [one for one in corpus.trials if one.subject == f"s{person:02d}"]
    assert [int(one.stimulus) for one in theirs] == presented(person, 2)
    for number, trial in enumerate(theirs, start=1):
        recording = corpus.load(trial)
        assert recording.eeg is not None
        assert recording.eeg.channel_names == ELECTRODES
        valence, arousal = rating(person, int(trial.stimulus))
        shown = made_eeg(
            (person, 10 * number + 1), SECONDS, RATE_HZ, len(ELECTRODES), (valence - 5) / 4, (arousal - 5) / 4
        )
        assert np.allclose(recording.eeg.samples[5 * RATE_HZ :], shown + 4000.0, atol=0.05)
        assert recording.rest_s == 5.0
        assert trial.ratings["valence"] == pytest.approx(valence)


def test_films_belong_to_the_order_of_presentation(root: Path) -> None:
    corpus = read(root)
    first, second = (one for one in corpus.trials if one.subject == "s01")
    assert first.video is not None
    assert first.video.name == "s01_trial01.avi"
    assert second.video is None
    recording = corpus.load(first)
    assert recording.face is not None
    assert recording.face.stamps_s[0] == 5.0
    assert {"s01: 1 of 2 trials have no film of the face", "s24: 2 of 2 trials have no film of the face"} <= set(
        corpus.problems
    )


def test_ratings_without_a_file_and_trials_without_a_code_are_named(root: Path, tmp_path: Path) -> None:
    made = write_original(tmp_path, (1, 2), 1, 2, RATE_HZ, films=False)
    (made / "data_original" / "s02.bdf").unlink()
    table = made / "participant_ratings.csv"
    table.write_text(table.read_text() + "1,2,2,2000,5,5,5,5,3\n")
    corpus = read(made)
    assert "s02 has ratings and no file" in corpus.problems
    with pytest.raises(MoodringError, match=r"has 1 videos on its Status channel, and the table .* with number 2"):
        corpus.load(corpus.trials[1])


def test_a_recording_without_an_electrode_is_refused_by_name(tmp_path: Path) -> None:
    made = write_original(tmp_path, (1,), 1, 2, RATE_HZ, films=False)
    path = made / "data_original" / "s01.bdf"
    content = bytearray(path.read_bytes())
    at = content.index(b"AF3 ")
    content[at : at + 3] = b"XX3"
    path.write_bytes(bytes(content))
    corpus = read(made)
    with pytest.raises(MoodringError, match=r"has no channel AF3 \(it has Fp1, XX3"):
        corpus.load(corpus.trials[0])
