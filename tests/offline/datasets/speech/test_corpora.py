from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.datasets.open_corpus import parse_file_name, read_corpus
from moodring.offline.datasets.speech import emodb, enterface, folders, manifest, nemo, ravdess, savee
from moodring.offline.datasets.speech_corpus import EMOTIONS, SpeechCorpus, file_of
from moodring.offline.evaluation.leakage import audit
from moodring.offline.evaluation.splits import Items, LeaveOneGroupOut


def labels(corpus: SpeechCorpus) -> Counter[str]:
    return Counter(item.labels["emotion"] for item in corpus.trials)


def cut(path: Path, keep: float = 0.6) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])


def test_emodb_names_are_read_and_the_letter_f_is_happiness(fakes: ModuleType, tmp_path: Path) -> None:
    corpus = emodb.read(fakes.emodb(tmp_path))
    one = next(item for item in corpus.trials if file_of(item).stem == "03a01Fa")
    assert (one.labels["emotion"], one.subject, one.stimulus, one.groups) == (
        "happiness",
        "03",
        "a01",
        {"take": "a", "sex": "male"},
    )
    said = {file_of(item).stem[5]: item.labels["emotion"] for item in corpus.trials}
    assert said == {"F": "happiness", "N": "neutral", "W": "anger", "T": "sadness", "L": "boredom", "E": "disgust",
                    "A": "fear"}  # fmt: skip
    assert corpus.problems == corpus.notes == ()


def test_what_is_wrong_in_emodb_is_named_and_skipped_or_stops(fakes: ModuleType, tmp_path: Path) -> None:
    root = fakes.emodb(tmp_path)
    fakes.write_sound(root / "wav" / "08a05Xa.wav")
    fakes.write_sound(root / "wav" / "notes.wav")
    fakes.write_sound(root / "again" / "03a01Fa.wav")
    fakes.write_sound(root / "wav" / "._03a01Fa.wav")  # what macOS leaves behind is none of ours
    (root / "wav" / "08a07Na.wav").write_bytes(b"")
    cut(fakes.write_sound(root / "wav" / "08a04Wb.wav"))
    (root / "wav" / "08a02Na.wav").write_text("this is no sound at all, only its name says so")
    corpus = emodb.read(root, "skip")
    assert len(corpus.trials) == 8
    said = "\n".join(corpus.problems)
    assert len(corpus.problems) == 6
    for name, why in (
        ("08a05Xa.wav", "'X' is no emotion letter of EMO-DB (W L E A F T N)"),
        ("notes.wav", "is not named as EMO-DB"),
        ("03a01Fa.wav", "are both '03a01Fa'"),
        ("08a07Na.wav", "is empty"),
        ("08a04Wb.wav", "is cut short"),
        ("08a02Na.wav", "cannot be read"),
    ):
        line = next(line for line in corpus.problems if name in line)
        assert why in line, said
        assert "\n" not in line
    with pytest.raises(
        MoodringError, match=r"6 file\(s\) under .* cannot be used.*and 3 more. Mend them or take them away"
    ):
        emodb.read(root)


def test_a_speaker_with_one_class_only_is_noted(fakes: ModuleType, tmp_path: Path) -> None:
    root = fakes.emodb(tmp_path)
    fakes.write_sound(root / "wav" / "09a01Wa.wav")
    fakes.write_sound(root / "wav" / "09a02Wa.wav")
    assert [note.partition(":")[0] for note in emodb.read(root).notes] == ["speaker '09' speaks only anger"]


def test_ravdess_takes_speech_once_and_leaves_songs_and_silent_films(fakes: ModuleType, tmp_path: Path) -> None:
    corpus = ravdess.read(fakes.ravdess(tmp_path))
    assert len(corpus.trials) == 120
    assert labels(corpus) == {"neutral": 8} | dict.fromkeys(
        ("calm", "happiness", "sadness", "anger", "fear", "disgust", "surprise"), 16
    )
    assert {file_of(item).suffix for item in corpus.trials} == {".flac", ".wav"}
    one = corpus.trials[0]
    assert (one.subject, one.stimulus, dict(one.groups)) == (
        "01", "01", {"intensity": "01", "repetition": "01", "sex": "male"}
    )  # fmt: skip
    items = Items.of(corpus.trials, "speaker", "prompt")
    assert set(items.groups) == {"speaker", "prompt", "emotion", "intensity", "repetition", "sex"}
    protocol = LeaveOneGroupOut("speaker")
    for split in protocol.splits(items):
        audit(items, split, protocol.apart)
        assert len(split.test) == 60


def test_ravdess_films_are_read_where_there_is_no_sound_file(fakes: ModuleType, tmp_path: Path) -> None:
    fakes.write_film(tmp_path / "Actor_05" / "01-01-03-01-01-01-05.mp4", fakes.tone(0.1, 48_000), "aac")
    assert labels(ravdess.read(tmp_path, "skip")) == {"happiness": 1}


def test_ravdess_says_what_is_missing_misnamed_or_doubled(fakes: ModuleType, tmp_path: Path) -> None:
    root = fakes.ravdess(tmp_path)
    (root / "Actor_02" / "03-01-05-02-01-01-02.wav").unlink()
    (root / "Actor_01" / "03-01-06-01-01-01-01.flac").rename(root / "Actor_02" / "03-01-06-01-01-01-01.flac")
    fakes.write_sound(root / "Actor_02" / "03-01-01-02-01-01-02.wav")
    fakes.write_sound(root / "Actor_02" / "03-01-09-01-01-01-02.wav")
    fakes.write_sound(root / "Actor_02" / "03-01-04-01-01-01-02.flac")
    cut(root / "Actor_01" / "03-01-08-02-02-02-01.flac")
    said = "\n".join(ravdess.read(root, "skip").problems)
    assert "'03-01-05-02-01-01-02' of actor 02 is missing" in said
    assert "says actor 01 but lies in 'Actor_02'" in said
    assert "neutral has no strong intensity" in said
    assert "'09' is no emotion number" in said
    assert "are both '01-04-01-01-01-02'" in said
    assert "03-01-08-02-02-02-01.flac' is cut short" in said or "03-01-08-02-02-02-01.flac' cannot be read" in said
    with pytest.raises(MoodringError, match="RAVDESS"):
        ravdess.read(root, "stop")


@pytest.mark.parametrize("flat", [False, True])
def test_savee_tells_sadness_from_surprise_in_both_layouts(fakes: ModuleType, tmp_path: Path, flat: bool) -> None:
    corpus = savee.read(fakes.savee(tmp_path, flat))
    assert labels(corpus) == {"neutral": 60} | dict.fromkeys(
        ("anger", "disgust", "fear", "happiness", "sadness", "surprise"), 30
    )
    assert {item.subject for item in corpus.trials} == {"DC", "KL"}
    assert {item.labels["emotion"] for item in corpus.trials if item.stimulus.startswith("sa")} == {"sadness"}


def test_savee_says_what_is_missing_and_who_is_unknown(fakes: ModuleType, tmp_path: Path) -> None:
    root = fakes.savee(tmp_path, flat=True)
    (root / "KL_su03.wav").unlink()
    fakes.write_sound(root / "XY_a01.wav")
    said = savee.read(root, "skip").problems
    assert len(said) == 2
    assert "'XY' is no speaker of SAVEE" in said[0]
    assert said[1] == "'KL_su03' is missing"


def test_enterface_quirks_are_understood(fakes: ModuleType, tmp_path: Path) -> None:
    corpus = enterface.read(fakes.enterface(tmp_path))
    by_subject = Counter(item.subject for item in corpus.trials)
    assert by_subject == {"1": 30, "3": 30, "11": 30, "16": 30, "23": 27}
    assert len(corpus.notes) == 1
    assert "6 clip(s) that hold several sentences are left out" in corpus.notes[0]
    odd = {file_of(item).name: item for item in corpus.trials}
    assert (odd["s16_su_3avi.avi"].labels["emotion"], odd["s16_su_3avi.avi"].stimulus) == ("surprise", "su3")
    assert (odd["s_3_an_2.avi"].subject, odd["s12_fe_4.avi"].subject) == ("3", "11")


def test_enterface_says_what_is_missing_or_lies_in_the_wrong_place(fakes: ModuleType, tmp_path: Path) -> None:
    root = fakes.enterface(tmp_path)
    (root / "subject 1" / "anger" / "sentence 1" / "s1_an_1.avi").unlink()
    fear = root / "subject 1" / "fear" / "sentence 1"
    (fear / "s1_fe_1.avi").rename(fear / "s1_sa_1.avi")
    cut(root / "subject 3" / "sadness" / "sentence 5" / "s3_sa_5.avi")
    said = "\n".join(enterface.read(root, "skip").problems)
    assert "'an_1' of subject 1 is missing" in said
    assert "says sadness but lies in 'fear'" in said
    assert "s3_sa_5.avi' is cut short" in said


def test_a_folder_per_class_takes_speakers_from_folders_or_a_pattern(fakes: ModuleType, tmp_path: Path) -> None:
    fakes.write_sound(tmp_path / "happy" / "ann" / "1.wav", 1)
    fakes.write_sound(tmp_path / "sad" / "ann" / "2.wav", 2)
    fakes.write_sound(tmp_path / "Boredom" / "3.wav", 3)
    corpus = folders.read(tmp_path)
    assert [(item.labels["emotion"], item.subject) for item in corpus.trials] == [
        ("boredom", "unknown"), ("happiness", "ann"), ("sadness", "ann")
    ]  # fmt: skip
    own = tmp_path / "own"
    fakes.write_sound(own / "anger" / "bob_p1.wav", 4)
    fakes.write_sound(own / "fear" / "eve_p2.wav", 5)
    named = folders.read(own, pattern=r"(?P<speaker>[a-z]+)_(?P<prompt>p\d)")
    assert [(item.subject, item.stimulus) for item in named.trials] == [("bob", "p1"), ("eve", "p2")]
    with pytest.raises(MoodringError, match="no regular expression"):
        folders.read(own, pattern="(")


def test_a_folder_of_no_known_class_and_one_recording_under_two_labels_are_named(
    fakes: ModuleType, tmp_path: Path
) -> None:
    fakes.write_sound(tmp_path / "anger" / "1.wav", 1)
    fakes.write_sound(tmp_path / "fear" / "2.wav", 1)
    fakes.write_sound(tmp_path / "fear" / "3.wav", 3)
    fakes.write_sound(tmp_path / "grumpy" / "4.wav", 4)
    corpus = folders.read(tmp_path, "skip")
    assert [file_of(item).name for item in corpus.trials] == ["3.wav"]
    assert any("'grumpy' is none of anger, boredom" in line for line in corpus.problems)
    assert any("same recording under two labels, anger and fear" in line for line in corpus.problems)
    with pytest.raises(MoodringError, match=r"2 file\(s\)"):
        folders.read(tmp_path)


def test_a_manifest_names_files_labels_and_any_groups(fakes: ModuleType, tmp_path: Path) -> None:
    fakes.write_sound(tmp_path / "a.wav", 1)
    fakes.write_sound(tmp_path / "deep" / "b.wav", 2)
    csv = tmp_path / "list.csv"
    csv.write_text("path,label,speaker,session\na.wav,Anger,ann,1\ndeep/b.wav,calm,,2\n", encoding="utf-8-sig")
    corpus = manifest.read(csv)
    assert [(i.labels["emotion"], i.subject, dict(i.groups)) for i in corpus.trials] == [
        ("anger", "ann", {"session": "1"}), ("calm", "unknown", {"session": "2"})
    ]  # fmt: skip


def test_a_manifest_says_which_line_is_wrong(fakes: ModuleType, tmp_path: Path) -> None:
    fakes.write_sound(tmp_path / "a.wav", 1)
    fakes.write_sound(tmp_path / "b.wav", 2)
    csv = tmp_path / "list.csv"
    csv.write_text("path,label\na.wav,anger\ngone.wav,fear\na.wav,fear\nb.wav,silly\n", encoding="utf-8")
    said = manifest.read(csv, "skip").problems
    assert len(said) == 3
    assert any("gone.wav' does not exist" in line for line in said)
    assert any("line 4" in line and "again" in line for line in said)
    assert any("line 5" in line and "'silly' is none of" in line for line in said)
    csv.write_text("file,emotion\na.wav,anger\n", encoding="utf-8")
    with pytest.raises(MoodringError, match="has the columns file, emotion; it needs path and label"):
        manifest.read(csv)


def test_nemo_reads_speaker_sentence_and_what_the_table_says(fakes: ModuleType, tmp_path: Path) -> None:
    corpus = nemo.read(fakes.nemo(tmp_path))
    assert labels(corpus) == dict.fromkeys(("anger", "fear", "happiness", "neutral", "sadness", "surprise"), 4)
    one = next(item for item in corpus.trials if file_of(item).stem == "SM0_surprised_7")
    assert (one.labels["emotion"], one.subject, one.stimulus) == ("surprise", "SM0", "7")
    assert one.groups == {"sex": "male", "age": "24"}


def test_nemo_says_what_is_missing_unlisted_misnamed_or_under_another_label(fakes: ModuleType, tmp_path: Path) -> None:
    root = fakes.nemo(tmp_path)
    (root / "EB0_fear_7.flac").unlink()
    (root / "EB0_anger_7.flac").rename(root / "EB0_anger_99.flac")
    fakes.write_sound(root / "holiday.wav")
    table = root / "data.tsv"
    table.write_text(table.read_text(encoding="utf-8").replace("flac\tneutral", "flac\tsadness", 1), encoding="utf-8")
    said = nemo.read(root, "skip").problems
    assert len(said) == 5
    assert any("'EB0_fear_7.flac' of data.tsv is missing" in line for line in said)
    assert any("'EB0_anger_7.flac' of data.tsv is missing" in line for line in said)
    assert any("EB0_anger_99.flac' is not in data.tsv" in line for line in said)
    assert any("is sadness by EB0 in data.tsv" in line for line in said)
    assert any("holiday.wav' is not named as nEMO" in line for line in said)
    table.write_text("file_id\temotion\nx.flac\tanger\n", encoding="utf-8")
    with pytest.raises(MoodringError, match=r"line 2 of .* has no speaker_id"):
        nemo.read(root)
    table.unlink()
    assert [line for line in nemo.read(root, "skip").problems if "data.tsv" in line] == [], "names alone tell, too"


def test_nothing_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match="does not exist"):
        read_corpus("emodb", tmp_path / "nowhere")
    with pytest.raises(MoodringError, match="no sound file"):
        read_corpus("savee", tmp_path)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("03a01Fa.wav", "happiness"),
        ("x/03-01-08-01-01-01-12.wav", "surprise"),
        ("DC_sa07.wav", "sadness"),
        ("EB0_surprised_80.flac", "surprise"),
        ("AudioData/JE/su01.wav", "surprise"),
        ("subject 3/fear/sentence 1/s_3_fe_1.avi", "fear"),
    ],
)
def test_names_tell_the_truth(name: str, label: str) -> None:
    named = parse_file_name(Path(name))
    assert named is not None
    assert named.emotion == label
    assert label in EMOTIONS


@pytest.mark.parametrize("name", ["holiday.wav", "a01.wav", "2024-01-02.wav", "03a01Faa.wav"])
def test_other_names_tell_nothing(name: str) -> None:
    assert parse_file_name(Path(name)) is None


@pytest.mark.data
def test_the_real_corpora_are_read_without_a_complaint(data_dir: Path) -> None:
    for kind, items, classes, speakers in (("emodb", 410, 7, 8), ("ravdess", 1200, 8, 20), ("nemo", 253, 6, 4)):
        corpus = read_corpus(kind, data_dir / kind)
        assert len(corpus.trials) == items
        assert len(labels(corpus)) == classes
        assert len({item.subject for item in corpus.trials}) == speakers
        assert corpus.problems == ()
