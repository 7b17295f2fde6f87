"""Faults of sound files: clipping, values that are not finite, channels that cancel, cut files, and no sound."""

import json
import os
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import FloatArray
from moodring.models.decoders.speech import SpeechDecoder
from moodring.offline.decoding.predict import Prediction, predict_file

RATE_HZ = 16_000


@pytest.fixture
def run(run):
    """Run ``moodring predict``."""
    return partial(run, "predict")


def at_rate(samples: FloatArray, rate_hz: int) -> FloatArray:
    import soxr

    return np.asarray(soxr.resample(samples, RATE_HZ, rate_hz), np.float32)


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
def test_clipping_in_one_second_or_one_channel_is_told(
    decoder: SpeechDecoder, voice: FloatArray, tmp_path: Path, rate_hz: int
) -> None:
    path = tmp_path / "one.wav"
    quiet = np.concatenate([0.5 * voice] * 4)
    mixed = np.stack((quiet, quiet), 1)
    mixed[100_000 : 100_000 + RATE_HZ, 1] = np.clip(50 * mixed[100_000 : 100_000 + RATE_HZ, 1], -1, 1)
    soundfile.write(path, mixed, rate_hz)
    said = predict_file(decoder, path)
    share = (np.abs(mixed[:, 1]) >= 0.99).mean()
    assert f"is clipped ({share:.1%} of samples" in str(said.warning)
    full = np.stack((quiet, quiet), 1)
    full[[100, 5_000, 90_000]] = 1.0
    soundfile.write(path, full, rate_hz)
    assert predict_file(decoder, path).warning is None, "a sample at full scale is no clipping"


def test_samples_that_are_no_numbers_are_0_and_counted(
    decoder: SpeechDecoder, voice: FloatArray, plain: Prediction, tmp_path: Path
) -> None:
    path, zeros = tmp_path / "odd.wav", voice.copy()
    places = np.r_[1_000:1_040, 50_000:50_007]
    zeros[places] = 0.0
    soundfile.write(path, zeros, RATE_HZ, "FLOAT")
    expected = predict_file(decoder, path)
    assert expected.warning is None
    odd = zeros.copy()
    odd[places] = np.resize([np.nan, np.inf, -np.inf], len(places))
    soundfile.write(path, odd, RATE_HZ, "FLOAT")
    said = predict_file(decoder, path)
    assert said.probabilities == expected.probabilities
    assert said.warning == f"sound file '{path}' has 47 samples that are no finite numbers, taken as 0"


def test_channels_that_cancel_each_other_out_are_told(
    decoder: SpeechDecoder, voice: FloatArray, tmp_path: Path
) -> None:
    path = tmp_path / "inverted.wav"
    soundfile.write(path, np.stack((voice, -voice), 1), RATE_HZ)
    said = predict_file(decoder, path)
    assert said.label is None
    assert "has channels that cancel each other out when averaged" in str(said.warning)
    soundfile.write(path, np.stack((voice, -0.9 * voice), 1), RATE_HZ)
    assert "cancel each other out" in str(predict_file(decoder, path).warning)
    other = np.roll(voice, 3_000)
    for fine in ((voice, 0 * voice), (voice, other), (voice, -0.2 * voice), (0 * voice, 0 * voice)):
        soundfile.write(path, np.stack(fine, 1), RATE_HZ)
        assert predict_file(decoder, path).warning is None


def test_a_file_cut_short_is_read_as_far_as_it_goes_and_says_so(
    decoder: SpeechDecoder, voice: FloatArray, plain: Prediction, tmp_path: Path
) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, np.concatenate((voice, voice)), RATE_HZ)
    content = path.read_bytes()
    path.write_bytes(content[: 44 + len(voice) * 2])
    said = predict_file(decoder, path)
    assert said.duration_s == pytest.approx(8.0)
    assert said.probabilities == pytest.approx(plain.probabilities, abs=1e-6)
    assert said.warning is not None
    assert "is cut short" in said.warning


def test_a_flac_that_breaks_is_read_as_far_as_it_goes(
    decoder: SpeechDecoder, voice: FloatArray, tmp_path: Path
) -> None:
    path = tmp_path / "cut.flac"
    soundfile.write(path, voice, RATE_HZ)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    said = predict_file(decoder, path)
    assert said.label is not None
    assert said.duration_s is not None
    assert 2.0 < said.duration_s < 6.0
    assert said.warning is not None
    assert "cut.flac' is cut short: its end cannot be read; what is there was used" in said.warning
    path.write_bytes(content[: len(content) // 20])
    with pytest.raises(MoodringError, match=r"cut.flac' cannot be read: "):
        predict_file(decoder, path)


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
    assert [row["file"] for row in rows] == [str(path) for path in files]
    why = {
        0: "is empty",
        2: "holds no sound",
        3: "cannot be read",
        4: "does not exist",
        5: "is a folder",
        7: "twice",
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
    assert "6 of 8 file(s)" in error.splitlines()[-1]
    assert "Traceback" not in error
    assert len(said.splitlines()) == len(files)


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
