import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.open_physiology import read_physiology


def _write(path, n=600, columns=("TP9", "AF7", "AF8", "TP10", "Right AUX"), gap_s=0.0):
    stamps = 1533059192.5 + np.arange(n) / 256 + gap_s * (np.arange(n) >= n // 2)
    values = np.arange(n)[:, None] + 0.5 + 1000 * np.arange(len(columns))
    rows = [f"{s:.3f}," + ",".join(f"{v:.3f}" for v in row) for s, row in zip(stamps, values, strict=True)]
    path.write_text("\n".join([",".join(("timestamps", *columns)), *rows]) + "\n")
    return path


def test_a_file_is_a_trial_with_four_electrodes(tmp_path):
    _write(tmp_path / "subjecta-relaxed-1.csv")
    _write(tmp_path / "subjectb-neutral-2.csv", gap_s=5.0)
    _write(tmp_path / "notes.csv")
    corpus = read_physiology("muse", tmp_path)
    assert [(t.subject, t.labels["state"]) for t in corpus.trials] == [("a", "relaxed"), ("b", "neutral")]
    assert corpus.problems == ("'notes.csv' is not named like subjecta-relaxed-1.csv",)
    eeg = corpus.load(corpus.trials[1]).eeg
    assert eeg.channel_names == ("TP9", "AF7", "AF8", "TP10")
    assert eeg.samples[3].tolist() == [3.5, 1003.5, 2003.5, 3003.5]
    assert eeg.stamps_s[0] == 0.0
    assert np.diff(eeg.stamps_s).max() == pytest.approx(5.004, abs=2e-3)


def test_bad_files_and_folders_are_named_in_one_line(tmp_path):
    with pytest.raises(MoodringError, match="holds no file named like"):
        read_physiology("muse", tmp_path)
    path = tmp_path / "subjecta-relaxed-1.csv"
    corpus = read_physiology("muse", _write(path).parent)
    _write(path, columns=("TP9", "AF7", "AF8"))
    with pytest.raises(MoodringError, match="has no column TP10"):
        corpus.load(corpus.trials[0])
    _write(path, n=100)
    with pytest.raises(MoodringError, match="has 100 samples"):
        corpus.load(corpus.trials[0])
    _write(path, gap_s=-1.0)
    with pytest.raises(MoodringError, match="timestamps fall"):
        corpus.load(corpus.trials[0])
    path.write_text(path.read_text()[:-3] + "oops\n")
    with pytest.raises(MoodringError, match="cannot be read as a table of numbers") as caught:
        corpus.load(corpus.trials[0])
    assert "\n" not in str(caught.value)
