"""MAHNOB-HCI: keyword levels, film and EEG on one time, and what is missing."""

from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.affect.deap import ELECTRODES
from moodring.offline.datasets.affect.mahnob import read, read_session_xml
from moodring.offline.datasets.affect_corpus import labelled_by_ratings
from moodring.offline.datasets.open_affect import read_affect
from tests.support.mahnob_fake import write_mahnob, write_session


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_mahnob(tmp_path_factory.mktemp("mahnob"), (1, 4), ((4, 0), (5, 3)))


def test_sessions_become_trials_with_levels_of_the_keyword(root: Path) -> None:
    corpus = read_affect(root)
    assert [(one.subject, one.stimulus, *one.labels.values()) for one in corpus.trials] == [
        ("p01", "101.avi", "high", "medium"),
        ("p01", "102.avi", "medium", "low"),
        ("p04", "101.avi", "low", "low"),
        ("p04", "102.avi", "low", "high"),
    ]
    assert corpus.trials[0].ratings == {"valence": 6.0, "arousal": 5.0}
    assert "1 sessions have no rating of felt arousal and are left out" in corpus.problems
    assert "session 4 has no film with C1, or no gaze file that dates it" in corpus.problems


def test_rest_and_clip_are_cut_at_the_pulses_and_the_film_is_dated_by_the_sound(root: Path) -> None:
    corpus = read(root)
    recording = corpus.load(corpus.trials[0])
    assert recording.eeg is not None
    assert recording.eeg.channel_names == ELECTRODES
    assert recording.eeg.stamps_s[-1] == pytest.approx(50.0, abs=0.01)
    assert recording.rest_s == 30.0
    assert np.abs(recording.eeg.samples.mean(axis=0) - 2000.0).max() < 20.0
    assert recording.face is not None
    assert recording.face.stamps_s[0] == pytest.approx(1.0)
    assert recording.truth is not None
    assert recording.truth.stamps_s[recording.truth.stimulus.argmax()] == 30.0


def test_the_peoples_own_ratings_give_other_levels(root: Path) -> None:
    corpus = labelled_by_ratings(read(root))
    assert [tuple(one.labels.values()) for one in corpus.trials] == [("high", "medium")] * 4
    assert corpus.label_source.startswith("rated by the person")


def test_a_session_without_its_recording_is_named_and_one_without_pulses_is_refused(tmp_path: Path) -> None:
    write_session(tmp_path, 2, 1, film=False).joinpath("Part_1_S_Trial1_emotion.bdf").unlink()
    write_session(tmp_path, 4, 1, film=False, before_s=10)
    corpus = read(tmp_path)
    assert "session 2 has ratings and no file *_emotion.bdf" in corpus.problems
    with pytest.raises(MoodringError, match=r"begins 10\.0 s before its first pulse; 30 s of rest were expected"):
        corpus.load(corpus.trials[0])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("<session", "cannot be read as XML"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><session><subject id="1"/></session>', "declares an entity 'b'"),
        ("<session feltArsl='1'/>", "names no subject"),
    ],
)
def test_a_damaged_description_is_one_line(text: str, line: str, tmp_path: Path) -> None:
    path = tmp_path / "session.xml"
    path.write_text(text)
    with pytest.raises(MoodringError, match=line):
        read_session_xml(path)
