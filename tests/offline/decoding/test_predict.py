"""What a sound file says: the same as live, whatever the file is like; and what is no sound is a line of its own."""

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import FloatArray, HeadOutput
from moodring.models.decoders.speech import SpeechDecoder
from moodring.models.io.bundle import bundled, load_bundle
from moodring.offline.decoding.predict import Prediction, as_plain, in_words, pooled, predict_file, predict_files, score
from moodring.offline.recordings.sound import load_sound

RATE_HZ = 16_000
CLASSES = ("anger", "sadness")
PARITY = 0.25
ABOUT = ("domain", "bundles", "config", "notices")
BUNDLE = load_bundle(bundled("emodb"))
"""What live and predict may differ by, see docs/speech.md."""


@pytest.fixture
def run(run):
    """Run ``moodring predict``, also with the bundle of simulated voices, which is the one at hand that is quick."""
    return partial(run, "predict", "--allow-simulated")


def at_rate(samples: FloatArray, rate_hz: int) -> FloatArray:
    import soxr

    return np.asarray(soxr.resample(samples, RATE_HZ, rate_hz), np.float32)


def estimate(start_s: float, end_s: float, anger: float, final: bool) -> HeadOutput:
    return HeadOutput("speech", "acted", CLASSES, (anger, 1 - anger), start_s=start_s, end_s=end_s, final=final)


def test_a_file_gives_what_the_decoder_says_live(decoder: SpeechDecoder, voice: FloatArray, plain: Prediction) -> None:
    decoder.reset()
    heard = np.concatenate((np.zeros(RATE_HZ, np.float32), voice, np.zeros(RATE_HZ, np.float32)))
    blocks = range(0, len(heard), 320)
    live = [one for at in blocks for one in decoder.feed(heard[at : at + 320], 60.0 + at / RATE_HZ)]
    # The file holds 16 bits.
    assert plain.probabilities == pytest.approx(pooled(live), abs=1e-3)
    assert plain.duration_s == pytest.approx(8.0)
    seconds = {round(one.start_s - 61.0, 3): one.probabilities for one in live}
    assert {round(one.start_s, 3) for one in plain.segments} == set(seconds)
    for one in plain.segments:
        assert one.probabilities == pytest.approx(seconds[round(one.start_s, 3)], abs=1e-3)
        assert 0.0 <= one.start_s < one.end_s <= 8.0
        assert one.end_s - one.start_s <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("kind", "bound"),
    [("stereo", 1e-3), ("flac", 1e-3), ("mp3", 0.1), ("8 bit", 0.1), ("96 kHz", 0.05), ("8 bit, 96 kHz, stereo", 0.1)],
)
def test_any_form_of_a_file_gives_the_same(
    decoder: SpeechDecoder, voice: FloatArray, plain: Prediction, tmp_path: Path, kind: str, bound: float
) -> None:
    samples, rate_hz = voice, RATE_HZ
    if "96" in kind:
        samples, rate_hz = at_rate(voice, 96_000), 96_000
    path = tmp_path / {"flac": "a.flac", "mp3": "a.mp3"}.get(kind, "a.wav")
    subtype = "PCM_U8" if "8 bit" in kind else None
    soundfile.write(path, np.stack((samples, samples), 1) if "stereo" in kind else samples, rate_hz, subtype)
    said = predict_file(decoder, path)
    assert (said.label, said.error, said.warning) == (plain.label, None, None)
    assert said.probabilities == pytest.approx(plain.probabilities, abs=bound)
    assert said.duration_s == pytest.approx(8.0, abs=0.12)


def test_a_clipped_voice_is_a_voice(
    decoder: SpeechDecoder, voice: FloatArray, plain: Prediction, tmp_path: Path
) -> None:
    path = tmp_path / "loud.wav"
    loud = np.clip(voice * 10, -1, 1)
    assert (np.abs(loud) >= 1).mean() > 0.05
    soundfile.write(path, loud, RATE_HZ)
    said = predict_file(decoder, path)
    assert said.label is not None
    share = float((np.abs(loud) >= 0.99).mean())
    assert said.warning == (
        f"sound file '{path}' is clipped ({share:.1%} of samples at full scale): record it with a lower gain"
    )
    covered_s, plain_s = (sum(one.end_s - one.start_s for one in which.segments) for which in (said, plain))
    assert covered_s == pytest.approx(plain_s, rel=0.3)


@pytest.mark.parametrize("samples", [np.zeros(64_000), 0.3 * np.ones(320), np.zeros(320), np.zeros(1)])
def test_silence_and_20_ms_are_no_speech(decoder: SpeechDecoder, tmp_path: Path, samples: FloatArray) -> None:
    path = tmp_path / "quiet.wav"
    soundfile.write(path, samples, RATE_HZ)
    said = predict_file(decoder, path)
    (row,) = as_plain([said], BUNDLE, {})["files"]
    assert row == {
        "file": str(path), "duration_s": pytest.approx(len(samples) / RATE_HZ, abs=1e-4), "label": None,
        "probabilities": {}, "segments": [], "confidence": None, "unsure": False, "warning": said.warning,
    }  # fmt: skip
    assert said.warning is not None
    assert "from its start to its end: no microphone was heard" in said.warning


def test_noise_by_the_name_of_mp3_is_no_sound(decoder: SpeechDecoder, tmp_path: Path) -> None:
    path = tmp_path / "noise.mp3"
    path.write_bytes(b"\0" * 5000)
    with pytest.raises(MoodringError, match=r"noise.mp3' cannot be read: no sound of a known format; use a copy"):
        predict_file(decoder, path)


def test_what_is_no_sound_has_its_line_and_the_rest_go_on(
    run, voice: FloatArray, plain: Prediction, tmp_path: Path
) -> None:
    good, same_name = tmp_path / "a" / "x.wav", tmp_path / "b" / "x.wav"
    for path in (good, same_name):
        path.parent.mkdir()
        soundfile.write(path, voice, RATE_HZ)
    empty, header, text = (tmp_path / name for name in ("empty.wav", "header.wav", "text.wav"))
    empty.write_bytes(b"")
    soundfile.write(header, np.zeros(0), RATE_HZ)
    text.write_text("this is no sound at all, only its name says so " * 50)
    files = [empty, good, header, text, tmp_path / "gone.wav", tmp_path, same_name, good]
    out = tmp_path / "out.json"
    status, said, error = run("speech", *files, "--json", out)
    assert status == 1
    rows = json.loads(out.read_text())["files"]
    assert [row["file"] for row in rows] == [str(path) for path in files[:-1]]
    why = {
        0: "is empty",
        2: "holds no sound",
        3: "cannot be read",
        4: "does not exist",
        5: "is a folder",
    }
    for index, row in enumerate(rows):
        if index in why:
            assert why[index] in row["error"]
            assert "\n" not in row["error"]
            assert f"moodring: {row['error']}\n" in error
            assert (row["label"], row["probabilities"], row["segments"]) == (None, {}, [])
        else:
            assert "error" not in row
            assert row["label"] == plain.label
            assert sum(row["probabilities"].values()) == pytest.approx(1.0, abs=1e-5)
    assert "5 of 7 file(s)" in error.splitlines()[-1]
    assert f"note: '{good}' is named twice; it is read once" in said
    assert "Traceback" not in error
    about = ("bundle ", "note: ")
    assert len([line for line in said.splitlines() if not line.startswith(about)]) == len(rows)


def test_links_and_pipes_say_what_they_are(run, voice: FloatArray, tmp_path: Path) -> None:
    good, loop, away = tmp_path / "good.wav", tmp_path / "loop.wav", tmp_path / "away.wav"
    soundfile.write(good, voice, RATE_HZ)
    loop.symlink_to(loop)
    away.symlink_to(tmp_path / "gone.wav")
    files: list[str | Path] = [loop, away, "-", good]
    whys = ["is a link that leads nowhere", "is a link that leads nowhere", "is not a regular file", ""]
    if sys.platform != "win32":
        pipe = tmp_path / "pipe.wav"
        os.mkfifo(pipe)
        files += [pipe, "/dev/zero"]
        whys += ["is not a regular file", "is not a regular file"]
    out = tmp_path / "said.json"
    status, _, error = run("speech", *files, "--json", out)
    assert status == 1
    rows = json.loads(out.read_text())["files"]
    assert [row["file"] for row in rows] == [str(file) for file in files]
    for row, why in zip(rows, whys, strict=True):
        assert why in row.get("error", "")
        assert ("error" in row) == bool(why)
    assert rows[3]["label"] is not None
    assert "Traceback" not in error


def test_names_tell_the_truth_and_the_recall_is_over_them(
    run, voice: FloatArray, plain: Prediction, tmp_path: Path
) -> None:
    letter = {"anger": "W", "happiness": "F", "neutral": "N", "sadness": "T"}[str(plain.label)]
    right, other, silent, wrong_letter, nameless = (
        tmp_path / f"{name}.wav"
        for name in (f"03a01{letter}a", "03-01-08-01-01-01-12", f"03a02{letter}b", "03a01Xa", "holiday")
    )
    for path in (right, other, wrong_letter, nameless):
        soundfile.write(path, voice, RATE_HZ)
    soundfile.write(silent, np.zeros(RATE_HZ), RATE_HZ)
    out = tmp_path / "out.json"
    status, said, error = run("speech", right, other, silent, nameless, "--labels", "auto", "--json", out)
    assert status == 0, error
    result = json.loads(out.read_text())
    assert [row["truth"] for row in result["files"]] == [plain.label, "surprise", plain.label, None]
    # One of two right, where silence counts as wrong; none of the surprised, a class that the bundle does not know.
    assert (result["uar"], result["n"]) == (0.25, 3)
    assert "UAR 0.250 over 3 files" in said
    assert "the bundle does not know surprise: 1 file(s) of such truth count as wrong" in said
    status, said, _ = run("speech", nameless, "--labels", "auto")
    assert status == 0
    assert "no UAR: no name tells a truth in the style of EMO-DB" in said
    status, _, error = run("speech", right, wrong_letter, "--labels", "auto", "--json", out)
    assert status == 1
    assert "'X' is no emotion letter of EMO-DB" in error
    result = json.loads(out.read_text())
    assert (result["uar"], result["n"]) == (1.0, 1)
    assert result["files"][1]["label"] == plain.label, "the sound is good: only its name is not"
    assert result["files"][1]["truth"] is None


def test_what_was_predicted_with_is_told_and_kept(run, voice: FloatArray, tmp_path: Path) -> None:
    path, out = tmp_path / "voice.wav", tmp_path / "out.json"
    soundfile.write(path, voice, RATE_HZ)
    status, said, _ = run("emodb", path, "--json", out)
    assert status == 0
    first, *others = said.splitlines()
    assert first == (
        f"bundle emodb.safetensors (SHA-256 {BUNDLE.sha256[:12]}): acted emotion; domain: "
        "acted German studio speech, 8 actors"
    )
    assert "note: no voice is enrolled here: all voices in a file are read as one person's" in others
    kept = json.loads(out.read_text())
    assert kept["domain"] == ["acted German studio speech, 8 actors"]
    assert kept["bundles"] == [{"file": "emodb.safetensors", "sha256": BUNDLE.sha256}]
    assert kept["config"]["models"]["speech"] == "emodb"
    assert [f"note: {notice}" for notice in kept["notices"]] == others[: len(kept["notices"])]


def test_without_truth_there_is_no_recall(plain: Prediction) -> None:
    assert set(as_plain([plain], BUNDLE, {})) == {"files", *ABOUT}
    told = as_plain([plain], BUNDLE, {}, with_truth=True)
    assert {key: told[key] for key in told.keys() - {"files", *ABOUT}} == {"uar": None, "n": 0}
    assert score([replace(plain, truth=plain.label, error="its line")]) == (None, 0)


def test_utterances_count_by_their_length() -> None:
    said = [
        estimate(0.0, 1.0, 0.5, False),
        estimate(1.0, 2.0, 0.6, False),
        estimate(2.0, 3.0, 0.8, True),
        estimate(5.0, 6.0, 0.1, True),
    ]
    ratio = math.exp(0.75 * math.log(0.8 / 0.2) + 0.25 * math.log(0.1 / 0.9))
    assert pooled(said) == pytest.approx((ratio / (1 + ratio), 1 / (1 + ratio)))
    assert pooled(said[:2]) is None
    assert pooled([]) is None
    certain = pooled([estimate(0.0, 1.0, 1.0, True), estimate(2.0, 3.0, 0.0, True)])
    assert certain == pytest.approx((0.5, 0.5))


def test_a_bundle_is_named_or_a_path(run, tmp_path: Path) -> None:
    for name, why in (
        ("nonsense", "no speech bundle 'nonsense' is shipped; shipped are emodb, simulated, speech; or give a path"),
        (tmp_path / "gone.safetensors", "does not exist"),
        ("attention", "no speech bundle 'attention' is shipped"),
        (bundled("attention"), "a 'speech' or 'face_expression' model is needed"),
    ):
        status, _, error = run(name, tmp_path / "x.wav")
        assert status == 1
        assert why in error
        assert len(error.splitlines()) == 1


CHILD = """
import sys
from pathlib import Path
import psutil, torch
from moodring.models.io.bundle import bundled, load_bundle
from moodring.models.decoders.speech import SpeechDecoder
from moodring.offline.recordings import sound
from moodring.offline.decoding.predict import predict_file

torch.set_num_threads(1)
decoder = SpeechDecoder(load_bundle(bundled("speech"), "speech"), torch.device("cpu"))
process = psutil.Process()
feed, seen = decoder.feed, []
def watched(samples, start_s):
    said = feed(samples, start_s)
    seen.append(process.memory_info().rss / 1e6)
    return said
decoder.feed = watched
predict_file(decoder, Path(sys.argv[1]))
base = max(seen)
seen.clear()
said = predict_file(decoder, Path(sys.argv[2]))
print(max(seen) - base, said.duration_s, said.segments[-1].start_s)
"""


def test_memory_does_not_grow_with_the_file(voice: FloatArray, tmp_path: Path) -> None:
    short, long = tmp_path / "short.wav", tmp_path / "long.wav"
    loud = at_rate(voice, 48_000)
    soundfile.write(short, loud, 48_000, "PCM_U8")
    pause = np.zeros(48_000 * 24, np.float32)
    with soundfile.SoundFile(str(long), "w", 48_000, 1, "PCM_U8") as file:
        for _ in range(8):
            file.write(pause)
            file.write(loud)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, short, long], capture_output=True, text=True, timeout=200, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    grown_mb, duration_s, last_s = map(float, done.stdout.split())
    assert duration_s == pytest.approx(256.0)
    assert last_s > 248.0, "the last of eight voices is heard where it is"
    # Held as a whole it would be 49 MB at its own rate, and 16 MB more at 16 kHz.
    assert grown_mb < 20.0


@pytest.mark.data
@pytest.mark.parametrize("name", ["09a02Wb", "13a01Lb", "09a07Wb"])
def test_where_the_windows_fall_changes_little(
    decoder: SpeechDecoder, data_dir: Path, tmp_path: Path, name: str
) -> None:
    """Live, nobody says at which sample listening starts: this is what a voice through a microphone may differ by."""
    voice = load_sound(data_dir / "emodb" / "wav" / f"{name}.wav")
    said = []
    for later in (0, 100, 256, 411):
        path = tmp_path / f"{later}.wav"
        soundfile.write(path, np.concatenate((np.zeros(later), voice)), RATE_HZ)
        said.append(predict_file(decoder, path))
    assert len({one.label for one in said}) == 1
    for one in said[1:]:
        assert one.probabilities == pytest.approx(said[0].probabilities, abs=PARITY)


@pytest.mark.data
def test_real_voices_give_labels_and_truth(decoder: SpeechDecoder, data_dir: Path) -> None:
    files = sorted((data_dir / "emodb" / "wav").glob("*.wav"))[::40]
    assert files
    for one in predict_files(decoder, files, with_truth=True):
        assert one.label is not None, one.file
        assert one.truth is not None
        assert (one.error, one.warning) == (None, None)


def test_a_label_stands_beside_its_confidence_and_an_unsure_one_says_so() -> None:
    unsure = Prediction("a.wav", 1.0, ("anger", "fear", "joy"), (0.4, 0.35, 0.25))
    assert in_words(unsure) == "a.wav: not sure: anger (confidence 0.40)"
    assert in_words(replace(unsure, probabilities=(0.1, 0.7, 0.2))) == "a.wav: fear (confidence 0.70)"
    assert (unsure.confidence, unsure.unsure) == (0.4, True)
