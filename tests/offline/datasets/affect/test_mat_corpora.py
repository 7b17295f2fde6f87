"""DREAMER, SEED and EAV: their MATLAB files, labels, and what is refused."""

from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.open_affect import read_affect
from tests.support.corpus_parts import made_eeg
from tests.support.mat_corpora_fake import EPOC, write_dreamer, write_eav, write_seed


def test_dreamer_begins_with_the_neutral_clip(tmp_path: Path) -> None:
    corpus = read_affect(write_dreamer(tmp_path, 2, 2))
    assert corpus.name == "DREAMER"
    assert [(one.subject, one.stimulus, *one.labels.values()) for one in corpus.trials] == [
        ("1", "1", "low", "low"),
        ("1", "2", "low", "medium"),
        ("2", "1", "low", "low"),
        ("2", "2", "medium", "medium"),
    ]
    recording = corpus.load(corpus.trials[1])
    assert recording.eeg is not None
    assert recording.eeg.channel_names == EPOC
    assert len(recording.eeg.samples) == (3 + 5) * 128
    assert recording.rest_s == 3.0
    assert np.abs(recording.eeg.samples).max() < 200.0
    assert recording.face is None


def test_seed_has_valence_alone_and_sittings_of_one_person(tmp_path: Path) -> None:
    corpus = read_affect(write_seed(tmp_path))
    assert corpus.people == ("1", "2")
    assert len({one.groups["session"] for one in corpus.trials if one.subject == "1"}) == 2
    assert [one.labels for one in corpus.trials[:3]] == [{"valence": "high"}, {"valence": "medium"}, {"valence": "low"}]
    recording = corpus.load(corpus.trials[2])
    assert recording.eeg is not None
    assert np.allclose(recording.eeg.samples, made_eeg((0, 3), 7, 200, 62, -1, 0), atol=1e-3)
    assert recording.truth is not None
    assert recording.truth.levels[0].tolist() == [0, -1]


def test_eav_joins_films_by_the_number_in_their_names(tmp_path: Path) -> None:
    corpus = read_affect(write_eav(tmp_path))
    assert corpus.line_hz == 60.0
    first = [one for one in corpus.trials if one.subject == "01"]
    assert [(one.stimulus, *one.labels.values(), one.video is not None) for one in first] == [
        ("Neutral", "medium", "medium", True),
        ("Happiness", "high", "high", True),
        ("Anger", "low", "high", False),
    ]
    assert "subject1: 1 of 3 trials have no film" in corpus.problems
    recording = corpus.load(corpus.trials[-2])
    assert recording.eeg is not None
    assert recording.eeg.samples.shape == (2000, 30)
    assert recording.face is not None
    assert recording.rest_s == 0.0


def test_names_and_labels_of_eav_must_agree(tmp_path: Path) -> None:
    root = write_eav(tmp_path, (1,), films=(1,))
    film = next((root / "subject1" / "Video").iterdir())
    film.rename(film.with_name(film.name.replace("Neutral", "Anger")))
    with pytest.raises(MoodringError, match=r"says Anger, and 'subject1_eeg_label\.mat' Neutral for trial 1"):
        read_affect(root)


@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0 MAT-file" + b" " * 200, b"\x89HDF\r\n"])
def test_a_damaged_matlab_file_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "DREAMER.mat").write_bytes(content)
    with pytest.raises(MoodringError, match=r"DREAMER\.mat'") as raised:
        read_affect(tmp_path)
    assert "\n" not in str(raised.value)


def test_a_clip_that_is_missing_is_named(tmp_path: Path) -> None:
    corpus = read_affect(write_seed(tmp_path, labels=(1, 0)))
    write_seed(tmp_path, labels=(1,))
    with pytest.raises(MoodringError, match="has no matrix of clip 2"):
        corpus.load(corpus.trials[1])
