"""Recordings of one's own: a table of ratings, markers, annotations, session folders with their films."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import Marker
from moodring.offline.datasets.affect.deap import ELECTRODES
from moodring.offline.datasets.open_affect import read_affect
from moodring.offline.datasets.rated_markers import rated_spans
from moodring.offline.recordings.write_session import write_session
from tests.support.corpus_parts import made_eeg, write_film
from tests.support.edf import write_edf

NAMES = ELECTRODES[:8]
HEAD = "participant,file,start_s,stop_s,rest_s,stimulus,valence,arousal,video,video_start_s"


def table(root: Path, *lines: str, head: str = HEAD) -> Path:
    (root / "ratings.csv").write_text("\n".join([head, *lines]) + "\n")
    return root


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for person in ("a", "b"):
        write_edf(tmp_path / f"{person}.edf", made_eeg(1, 12, 128, len(NAMES), 0, 0), 128, NAMES)
    return tmp_path


def test_lines_of_the_table_are_trials(root: Path) -> None:
    write_film(root / "face.avi", 12)
    table(root, "P1,a.edf,5,9,4,joy,7,3,face.avi,0.5", "P1,a.edf,9,12,,fear,2,8,,", "P2,b.edf,,,,calm,5,,,")
    corpus = read_affect(root)
    assert [(one.subject, one.order, dict(one.labels)) for one in corpus.trials] == [
        ("P1", 0, {"valence": "high", "arousal": "low"}),
        ("P1", 1, {"valence": "low", "arousal": "high"}),
        ("P2", 0, {"valence": "medium"}),
    ]
    recording = corpus.load(corpus.trials[0])
    assert recording.eeg is not None
    assert recording.rest_s == 4.0
    assert recording.eeg.stamps_s[0] == 0.0
    assert len(recording.eeg.samples) == 8 * 128
    assert recording.face is not None
    assert recording.face.stamps_s[0] == pytest.approx(-0.5)
    whole = corpus.load(corpus.trials[2]).eeg
    assert whole is not None
    assert len(whole.samples) == 12 * 128


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("P1,a.edf,5,9,,x,12,3,,", "valence is 12; 1 to 9 was expected"),
        ("P1,a.edf,5,9,,x,seven,3,,", "line 2: valence is 'seven'; a number was expected"),
        ("P1,a.edf,9,5,,x,7,3,,", "goes from 9 to 5 s; let it end after it begins"),
        ("P1,a.edf,5,9,,x,7,3,gone.avi,", "film 'gone.avi' is not there"),
    ],
)
def test_lines_that_cannot_be_used_are_named(line: str, said: str, root: Path) -> None:
    with pytest.raises(MoodringError, match=said):
        read_affect(table(root, line))


def test_what_the_table_lacks_is_named(root: Path) -> None:
    with pytest.raises(MoodringError, match="has no column arousal"):
        read_affect(table(root, "P1,a.edf,7", head="participant,file,valence"))
    corpus = read_affect(table(root, "P1,gone.edf,5,9,,x,7,3,,", "P1,a.edf,20,29,,x,7,3,,"))
    assert any("'gone.edf' has ratings and is not there" in problem for problem in corpus.problems)
    with pytest.raises(MoodringError, match=r"goes from 20 to 29 s, and the EEG of .* from 0\.0 to 12\.0 s"):
        corpus.load(corpus.trials[0])


def marks(*pairs: tuple[float, str]) -> list[Marker]:
    return [Marker(at_s, text) for at_s, text in pairs]


def test_markers_tell_what_was_shown_and_how_it_was_rated() -> None:
    first, second = rated_spans(
        marks(
            (0, "rest_start"), (5, "rest_end"), (6, "stimulus_joy"), (20, "stimulus_end"),
            (22, "rating valence=7 arousal=3"), (30, "stimulus fear"),
            (40, "rating valence=2, arousal=8"), (50, "stimulus_unrated"),
        ),
        60.0,
        "one.xdf",
    )  # fmt: skip
    assert (first.stimulus, first.start_s, first.stop_s, first.ratings) == (
        "joy",
        6,
        20,
        {"valence": 7.0, "arousal": 3.0},
    )
    assert (first.rest_start_s, first.rest_stop_s) == (0, 5)
    assert (second.stimulus, second.start_s, second.stop_s, second.rest_start_s) == ("fear", 30, 40, None)


@pytest.mark.parametrize(
    ("pairs", "said"),
    [
        (((1, "rating valence=3"),), "comes before any stimulus"),
        (((1, "stimulus_a"), (2, "rating seven")), "was expected as 'rating valence=7 arousal=3'"),
    ],
)
def test_markers_that_cannot_be_used_are_named(pairs: tuple[tuple[float, str], ...], said: str) -> None:
    with pytest.raises(MoodringError, match=said):
        rated_spans(marks(*pairs), 9.0, "one.xdf")


def test_a_session_that_moodring_recorded_is_a_corpus(fake_recording, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    recording = fake_recording(6.0)
    t0_s = recording.t0_s
    eeg = replace(
        recording.eeg,
        samples=made_eeg(1, 6, 256, len(NAMES), 0, 0).astype(np.float32),
        channel_names=NAMES,
    )
    markers = marks((t0_s + 2, "stimulus_joy"), (t0_s + 5, "stimulus_end"), (t0_s + 5.5, "rating valence=8 arousal=2"))
    rated = replace(recording, eeg=eeg, markers=tuple(markers), truth=None, rest_s=1.5)
    write_session(rated, tmp_path / "sub-P01" / "ses-01" / "sub-P01_ses-01_task-t_run-01")
    corpus = read_affect(tmp_path)
    (trial,) = corpus.trials
    assert (trial.subject, trial.stimulus, dict(trial.labels)) == ("p 01", "joy", {"valence": "high", "arousal": "low"})
    loaded = corpus.load(trial)
    assert loaded.eeg is not None
    assert loaded.rest_s == pytest.approx(1.5)
    assert loaded.truth is not None
    assert loaded.truth.stamps_s[loaded.truth.stimulus >= 0][0] == pytest.approx(2.0, abs=0.125)
    assert loaded.eeg.stamps_s[-1] == pytest.approx(5.0, abs=0.01)
    assert loaded.face is not None
    assert loaded.face.frames[3].shape == (72, 96, 3)
    assert 0.0 <= loaded.face.stamps_s[0] < 0.1


def test_an_xdf_file_with_rating_markers_is_a_corpus(fake_recording, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    recording = fake_recording(4.0)
    t0_s = recording.t0_s
    markers = marks((t0_s + 1, "stimulus fear"), (t0_s + 3, "rating valence=2 arousal=9"))
    rated = replace(recording, markers=tuple(markers), truth=None, face=None, speech=None, rest_s=0.0)
    session = write_session(rated, tmp_path / "session")
    root = tmp_path / "corpus"
    root.mkdir()
    shutil.copy(session / "streams" / "part-001.xdf", root / "one.xdf")
    corpus = read_affect(root)
    (trial,) = corpus.trials
    assert (trial.stimulus, dict(trial.labels)) == ("fear", {"valence": "low", "arousal": "high"})
    loaded = corpus.load(trial).eeg
    assert loaded is not None
    assert loaded.stamps_s[-1] == pytest.approx(2.0, abs=0.01)


def test_annotations_of_an_eeg_file_begin_trials_and_may_rate_them(tmp_path: Path) -> None:
    import mne

    info = mne.create_info(list(NAMES), 128.0, "eeg", verbose="ERROR")
    raw = mne.io.RawArray(1e-6 * made_eeg(1, 12, 128, len(NAMES), 0, 0).T, info, verbose="ERROR")
    texts = ["stimulus_joy", "rating valence=8 arousal=8"]
    raw.set_annotations(mne.Annotations([4.0, 9.0], [0.0, 0.0], texts))
    raw.save(tmp_path / "one_raw.fif", verbose="ERROR")
    corpus = read_affect(tmp_path)
    assert (corpus.trials[0].start_s, corpus.trials[0].stop_s) == (4.0, 9.0)
    head = "participant,file,marker,duration_s,valence,arousal"
    table(tmp_path, "P1,one_raw.fif,stimulus_joy,3,7,7", head=head)
    (trial,) = read_affect(tmp_path).trials
    assert (trial.start_s, trial.stop_s) == (4.0, 7.0)
    table(tmp_path, "P1,one_raw.fif,stimulus_fear,3,7,7", head=head)
    with pytest.raises(MoodringError, match="has no annotation 'stimulus_fear'; correct the column marker"):
        read_affect(tmp_path)


def test_recordings_without_ratings_are_no_corpus(root: Path) -> None:
    with pytest.raises(
        MoodringError,
        match=r"no ratings\.csv and no recording with rating markers \('a\.edf' has no rating among its 0 markers\)",
    ):
        read_affect(root)
