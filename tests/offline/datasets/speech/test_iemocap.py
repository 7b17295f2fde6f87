"""IEMOCAP in the layout of its release: categories, grades, the merge to four, one actor."""

from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.speech.iemocap import merged_to_four, of_actor, read


def test_utterances_have_categories_grades_actors_and_scenes(fakes: ModuleType, tmp_path: Path) -> None:
    corpus = read(fakes.iemocap(tmp_path))
    assert Counter(one.labels["emotion"] for one in corpus.trials) == {
        "anger": 4, "happiness": 8, "sadness": 4, "neutral": 4, "surprise": 4, "fear": 4, "disgust": 4,
    }  # fmt: skip
    first = corpus.trials[0]
    assert Path(first.name).stem == "Ses01F_impro01_F000"
    assert (first.subject, first.stimulus, first.groups["category"]) == ("1F", "impro01", "ang")
    assert first.ratings == {"valence": 1.0, "arousal": 2.5, "dominance": 3.0}
    assert {one.subject for one in corpus.trials} == {"1F", "1M", "2F", "2M"}
    assert {one.stimulus for one in corpus.trials} == {"impro01", "script01_1"}
    assert corpus.load(first).shape == (3200,)


def test_the_merge_to_four_counts_frustration_as_anger(fakes: ModuleType, tmp_path: Path) -> None:
    corpus = merged_to_four(fakes.iemocap(tmp_path))
    assert Counter(one.labels["emotion"] for one in corpus.trials) == {
        "anger": 8, "happiness": 12, "sadness": 4, "neutral": 4,
    }  # fmt: skip


def test_one_actor_has_the_own_turns_of_a_dialog_alone(fakes: ModuleType, tmp_path: Path) -> None:
    corpus = of_actor(read(fakes.iemocap(tmp_path)), "1M")
    assert {Path(one.name).stem[-4] for one in corpus.trials} == {"M"}
    assert {one.groups["session"] for one in corpus.trials} == {"1"}
    with pytest.raises(MoodringError, match="no utterance of actor '5F'; it has 1F, 1M, 2F, 2M"):
        of_actor(read(tmp_path), "5F")


def test_what_is_wrong_is_named_and_skipped_or_stops(fakes: ModuleType, tmp_path: Path) -> None:
    root = fakes.iemocap(tmp_path)
    folder = root / "Session1" / "sentences" / "wav" / "Ses01F_impro01"
    fakes.write_sound(folder / "Ses01F_impro01_F099.wav", 1)
    fakes.write_sound(folder / "take1.wav", 2)
    (folder / "Ses01F_impro01_F000.wav").write_bytes(b"")
    corpus = read(root, "skip")
    assert len(corpus.problems) == 3
    assert sum("no table of dialog/EmoEvaluation" in one for one in corpus.problems) == 1
    assert sum("not named as IEMOCAP" in one for one in corpus.problems) == 1
    with pytest.raises(MoodringError, match="3 file"):
        read(root)


def test_a_category_that_the_corpus_does_not_have_and_another_folder_are_refused(
    fakes: ModuleType, tmp_path: Path
) -> None:
    root = fakes.iemocap(tmp_path / "corpus")
    table = root / "Session2" / "dialog" / "EmoEvaluation" / "Ses02F_impro01.txt"
    table.write_text(table.read_text().replace("\tang\t", "\tzzz\t"))
    with pytest.raises(MoodringError, match="'zzz' is no category of IEMOCAP"):
        read(root)
    fakes.write_sound(tmp_path / "other" / "a.wav", 1)
    with pytest.raises(MoodringError, match="full release"):
        read(tmp_path / "other")
