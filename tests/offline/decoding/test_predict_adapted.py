"""`predict --adapt`: file after file, each speaker apart, nothing of what comes later."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import AUDIO_RATE_HZ
from moodring.models.decoders.speech import SpeechDecoder
from moodring.models.decoders.voice_adaptation import VoiceHistory
from moodring.models.io.bundle import bundled, load_bundle
from moodring.offline.decoding.predict import AdaptedSpeaker, Prediction, predict_files
from moodring.offline.decoding.speakers import ONE_SPEAKER, read_speakers, speaker_in
from moodring.offline.simulate.voice import simulate_voice


@pytest.fixture(scope="module")
def adapting() -> SpeechDecoder:
    return SpeechDecoder(load_bundle(bundled("emodb")), torch.device("cpu"), voice=VoiceHistory())


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two files each of two speakers, in EMO-DB's names, one after the other."""
    folder, found = tmp_path_factory.mktemp("said"), []
    for number, name in enumerate(("03a01Wa", "08a01Na", "03a02Wa", "08a02Na")):
        found.append(folder / f"{name}.wav")
        soundfile.write(found[-1], simulate_voice(4020 + number, 8.0), AUDIO_RATE_HZ)
    return found


def probabilities(predictions: list[Prediction]) -> list[tuple[float, ...] | None]:
    return [one.probabilities for one in predictions]


def test_each_speaker_is_adapted_to_from_the_files_before(adapting: SpeechDecoder, files: list[Path]) -> None:
    together = list(predict_files(adapting, files))
    assert [one.adapted and one.adapted.speaker for one in together] == ["03", "08", "03", "08"]
    heard = [one.adapted.utterances if one.adapted else -1 for one in together]
    assert heard[:2] == [0, 0]
    assert min(heard[2:]) > 0
    alone = [
        prediction
        for one in ("03", "08")
        for prediction in predict_files(adapting, [f for f in files if one in f.name[:2]])
    ]
    assert probabilities(together) == [alone[index].probabilities for index in (0, 2, 1, 3)]
    plain = SpeechDecoder(load_bundle(bundled("emodb")), torch.device("cpu"))
    unadapted = list(predict_files(plain, files))
    assert all(one.adapted is None for one in unadapted)
    assert probabilities(unadapted) != probabilities(together)


def test_a_file_that_comes_later_changes_nothing_and_one_that_came_before_does(
    adapting: SpeechDecoder, files: list[Path]
) -> None:
    first, _, second, _ = files
    both = list(predict_files(adapting, [first, second]))
    assert list(predict_files(adapting, [first])) == both[:1]
    assert next(predict_files(adapting, [second])).probabilities != both[1].probabilities


def test_a_file_that_cannot_be_read_is_not_heard(adapting: SpeechDecoder, files: list[Path], tmp_path: Path) -> None:
    broken = tmp_path / "03a03Wa.wav"
    broken.write_bytes(b"no sound")
    first, _, second, _ = files
    with_broken = list(predict_files(adapting, [first, broken, second]))
    assert with_broken[1].error
    assert with_broken[1].adapted is None
    assert with_broken[2] == list(predict_files(adapting, [first, second]))[1]


def test_names_or_a_table_tell_who_speaks(files: list[Path], tmp_path: Path) -> None:
    assert speaker_in(Path("03-01-06-02-02-01-12.wav")) == "12"
    assert speaker_in(Path("EB0_anger_15.flac")) == "EB0"
    assert speaker_in(Path("talk.wav")) == speaker_in(Path("03a01Xa.wav")) == ONE_SPEAKER
    one = AdaptedSpeaker(ONE_SPEAKER, 2, 1)
    assert (
        one.in_words()
        == "adapted to one speaker for all files: 2 files, the last one after 1 utterance heard before it"
    )
    table = files[0].parent / "who.csv"
    table.write_text("file,speaker,room\n" + "".join(f"{one.name},ann,1\n" for one in files))
    assert set(read_speakers(table, files).values()) == {"ann"}
    for text, said in (
        ("path,speaker\na.wav,ann\n", "has the columns path, speaker; it needs file and speaker"),
        ("", "has the columns none"),
        ("file,speaker\n03a01Wa.wav,ann\n", r"does not tell who speaks in '.*08a01Na.wav' and 2 more; add a line"),
        ("file,speaker\n03a01Wa.wav,\n", "line 2 of .*: a file and its speaker are needed"),
        ("file,speaker\n03a01Wa.wav,ann\n03a01Wa.wav,bob\n", "line 3 of .* gives '03a01Wa.wav' to another speaker"),
    ):
        table.write_text(text)
        with pytest.raises(MoodringError, match=said):
            read_speakers(table, files)
    with pytest.raises(MoodringError, match="cannot be read"):
        read_speakers(tmp_path / "none.csv", files)


def test_the_command_adapts_and_says_to_whom(run, files: list[Path], tmp_path: Path) -> None:
    out, table = tmp_path / "out.json", tmp_path / "who.csv"
    table.write_text("file,speaker\n" + "".join(f"{one},{one.stem[-2]}\n" for one in files))
    status, said, error = run("predict", "emodb", *files, "--adapt", "--speakers", table, "--json", out)
    assert status == 0, error
    result = json.loads(out.read_text())
    before = [row["adapted"]["utterances"] for row in result["files"]]
    assert result["adapted"] == [
        {"speaker": "W", "files": 2, "utterances": before[2]},
        {"speaker": "N", "files": 2, "utterances": before[3]},
    ]
    assert f"adapted to speaker W: 2 files, the last one after {before[2]} utterance" in said
    assert [line for line in said.splitlines() if line.startswith("adapted to")][1].startswith("adapted to speaker N: ")
    assert result["config"]["adapt"] is True
    assert [row["adapted"]["speaker"] for row in result["files"]] == ["W", "N", "W", "N"]
    assert [row["adapted"]["utterances"] for row in result["files"]][:2] == [0, 0]
    _, said, _ = run("predict", "emodb", files[0], "--adapt")
    assert "adapted to speaker 03: 1 file after no utterance heard before it" in said
    status, said, _ = run("predict", "emodb", files[0], "--json", out)
    result = json.loads(out.read_text())
    assert "adapted" not in result
    assert "adapted" not in result["files"][0]
    assert "adapted to" not in said
    status, _, error = run("predict", "emodb", files[0], "--speakers", table)
    assert (status, "add --adapt" in error) == (2, True)
    status, _, error = run("predict", "simulated", files[0], "--adapt", "--allow-simulated")
    assert (status, "cannot adapt to a speaker" in error) == (2, True)


@pytest.mark.data
def test_adaptation_helps_in_another_language(adapting: SpeechDecoder, data_dir: Path) -> None:
    classes = adapting.head.classes
    four = [classes.index(name) for name in ("anger", "happiness", "neutral", "sadness")]
    files = [
        p
        for p in sorted((data_dir / "nemo").glob("KD0_*.flac"))
        if p.stem.split("_")[1] in map(classes.__getitem__, four)
    ]
    files = [files[index] for index in np.random.default_rng(4012).permutation(len(files))]
    plain = SpeechDecoder(load_bundle(bundled("emodb")), torch.device("cpu"))

    def right(decoder: SpeechDecoder) -> float:
        said = [(one.truth, classes[four[int(np.argmax(np.asarray(one.probabilities)[four]))]])
                for one in predict_files(decoder, files, with_truth=True) if one.probabilities]  # fmt: skip
        return float(np.mean([truth == answer for truth, answer in said]))

    assert right(adapting) > right(plain)
