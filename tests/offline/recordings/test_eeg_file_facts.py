"""EEG files that are cut, or that are something else than their name says."""

import logging
import wave

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.recordings.open import open_recording

RATE, RECORDS, CHANNELS = 256, 20, 3


@pytest.fixture
def edf(tmp_path):
    """Twenty seconds of three channels, written field by field."""
    rows = [
        *(name.ljust(16) for name in ("Fp1", "Cz", "O1")),
        *("".ljust(80) for _ in range(CHANNELS)),
        *("uV".ljust(8) for _ in range(CHANNELS)),
        *("-1000".ljust(8) for _ in range(CHANNELS)),
        *("1000".ljust(8) for _ in range(CHANNELS)),
        *("-32768".ljust(8) for _ in range(CHANNELS)),
        *("32767".ljust(8) for _ in range(CHANNELS)),
        *("".ljust(80) for _ in range(CHANNELS)),
        *(str(RATE).ljust(8) for _ in range(CHANNELS)),
        *("".ljust(32) for _ in range(CHANNELS)),
    ]
    fixed = [
        "0".ljust(8), "X X X X".ljust(80), "Startdate X X X X".ljust(80), "01.01.20", "00.00.00",
        str(256 * (CHANNELS + 1)).ljust(8), "".ljust(44), str(RECORDS).ljust(8), "1".ljust(8), str(CHANNELS).ljust(4),
    ]  # fmt: skip
    noise = np.random.default_rng(0).integers(-900, 900, RATE * RECORDS * CHANNELS).astype("<i2")
    path = tmp_path / "night.edf"
    path.write_bytes("".join(fixed + rows).encode("ascii") + noise.tobytes())
    return path


def test_a_whole_edf_is_read_without_a_word(edf, caplog):
    with caplog.at_level(logging.WARNING):
        assert len(open_recording(edf).eeg.stamps_s) == RATE * RECORDS
    assert not caplog.records


def test_a_cut_edf_says_how_much_is_missing(edf, caplog):
    whole = edf.read_bytes()
    edf.write_bytes(whole[: 256 * (CHANNELS + 1) + 12 * 2 * RATE * CHANNELS + 100])
    with caplog.at_level(logging.WARNING):
        assert len(open_recording(edf).eeg.stamps_s) == RATE * 12
    assert "its header announces 20 s and 12 s are there" in caplog.text


@pytest.mark.parametrize("suffix", [".edf", ".bdf", ".vhdr", ".set", ".fif", ".gdf"])
def test_text_under_the_name_of_an_eeg_file_is_called_text(tmp_path, suffix):
    path = tmp_path / f"notes{suffix}"
    path.write_text("Subject 3, änderte die Kappe\n")
    with pytest.raises(MoodringError, match="it holds text; give the EEG file itself"):
        open_recording(path)


def test_a_sound_under_the_name_of_an_eeg_file_is_called_a_sound(tmp_path):
    path = tmp_path / "voice.edf"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(bytes(3200))
    with pytest.raises(MoodringError, match="it holds WAV or AVI data"):
        open_recording(path)


def test_a_fake_xdf_names_the_cure(tmp_path):
    path = tmp_path / "fake.xdf"
    path.write_text("not one")
    with pytest.raises(MoodringError, match="give the file that was recorded"):
        open_recording(path)
