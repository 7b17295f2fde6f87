"""What every dataset promises, and that another corpus is one more file."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodring.configs.schema.errors import ConfigError
from moodring.models.contract import FloatArray, Recording
from moodring.offline.datasets import speech
from moodring.offline.datasets.base import Dataset, Trial
from moodring.offline.datasets.open_corpus import corpus_names, parse_file_name, read_corpus
from moodring.offline.datasets.simulated import SimulatedPeople
from moodring.offline.datasets.speech_corpus import SpeechCorpus
from moodring.offline.evaluation.leakage import audit
from moodring.offline.evaluation.splits import Items, LeaveOneGroupOut

ANOTHER_CORPUS = '''
"""A corpus whose files are named <speaker>-<emotion>.wav."""
from moodring.offline.datasets.speech_corpus import FileName, collect, sound_files, spoken_trial

def read(root, on_bad="stop"):
    def trial_of(path):
        parsed = parse_name(path)
        return spoken_trial(path, root, parsed.emotion, parsed.speaker, parsed.prompt)
    return collect("another", root, sound_files(root, "another"), trial_of, on_bad, identity=lambda trial: trial.name)

def parse_name(path):
    speaker, dash, emotion = path.stem.partition("-")
    return FileName(emotion, speaker, "hello") if dash and emotion in ("anger", "fear") else None
'''


def test_a_corpus_is_added_by_adding_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    modules, sounds = tmp_path / "modules", tmp_path / "sounds"
    modules.mkdir()
    sounds.mkdir()
    (modules / "another_corpus.py").write_text(ANOTHER_CORPUS)
    for seed, name in enumerate(("ann-anger", "bob-fear", "ann-fear")):
        noise = np.random.default_rng(seed).normal(0, 0.1, 4_000).astype(np.float32)
        soundfile.write(str(sounds / f"{name}.wav"), noise, 16_000)
    monkeypatch.setattr(speech, "__path__", [*speech.__path__, str(modules)])
    assert "another_corpus" in corpus_names()
    corpus: Dataset[FloatArray] = read_corpus("another_corpus", sounds)
    assert [(one.subject, one.labels["emotion"]) for one in corpus.trials] == [
        ("ann", "anger"), ("ann", "fear"), ("bob", "fear")
    ]  # fmt: skip
    assert corpus.load(corpus.trials[0]).shape == (4_000,)
    parsed = parse_file_name(Path("eve-fear.wav"))
    assert parsed is not None
    assert (parsed.emotion, parsed.speaker) == ("fear", "eve")


def test_an_unknown_corpus_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="corpus 'msp' is not known; name one of crema_d, emodb, enterface"):
        read_corpus("msp", tmp_path)


def test_simulated_people_are_trials_that_load_as_recordings() -> None:
    people: Dataset[Recording] = SimulatedPeople((731, 732), 8.0)
    assert [one.subject for one in people.trials] == ["731", "732"]
    recording = people.load(people.trials[0])
    assert recording.truth is not None
    assert recording.eeg is not None
    assert len(recording.eeg.samples) == 8 * 256


def test_trials_become_items_with_their_groups_labels_and_stretch() -> None:
    trials = [
        Trial(f"t{n}", subject=f"s{n % 2}", stimulus=f"clip{n % 3}", labels={"emotion": "anger"},
              groups={"session": "1"} | ({"sex": "female"} if n else {}), start_s=float(n), stop_s=n + 2.0)
        for n in range(6)
    ]  # fmt: skip
    items = Items.of(trials, subject="speaker")
    assert set(items.groups) == {"speaker", "stimulus", "emotion", "session"}, "sex is not known of all"
    assert list(items.group("speaker")) == ["s0", "s1"] * 3
    assert (items.start_s[3], items.end_s[3]) == (3.0, 5.0)
    for split in LeaveOneGroupOut("speaker").splits(items):
        audit(items, split, ("speaker",))


def test_a_trial_without_a_file_cannot_be_read_from_one() -> None:
    with pytest.raises(ValueError, match="trial 'made' has no file"):
        SpeechCorpus("x", Path(), ()).load(Trial("made", "somebody"))
