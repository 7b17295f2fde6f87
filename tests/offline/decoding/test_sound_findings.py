"""What is found in a sound file on the way: clipping, no numbers, channels that cancel out, an end that is missing."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import FloatArray
from moodring.models.decoders.speech import SpeechDecoder
from moodring.offline.decoding.predict import Prediction, predict_file

RATE_HZ = 16_000


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
    for fine in ((voice, 0 * voice), (voice, other), (voice, -0.2 * voice)):
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


def test_a_dead_track_is_told(decoder: SpeechDecoder, tmp_path: Path) -> None:
    path = tmp_path / "dead.wav"
    soundfile.write(path, np.zeros(3 * RATE_HZ), RATE_HZ)
    assert "holds only zeros from its start to its end" in str(predict_file(decoder, path).warning)
    soundfile.write(path, np.full(3 * RATE_HZ, 0.25), RATE_HZ)
    assert "holds one value from its start to its end" in str(predict_file(decoder, path).warning)


def test_a_telephone_is_told_and_a_microphone_is_not(decoder: SpeechDecoder, voice: FloatArray, tmp_path: Path) -> None:
    path, drawn = tmp_path / "call.wav", np.random.default_rng(0)
    wide = voice + drawn.normal(0.0, 1e-3, len(voice)).astype(np.float32)
    soundfile.write(path, wide, RATE_HZ)
    assert predict_file(decoder, path).warning is None
    soundfile.write(path, soxr.resample(wide, RATE_HZ, 8_000), 8_000)
    assert "has nothing above 4 kHz, as a telephone's sound" in str(predict_file(decoder, path).warning)
