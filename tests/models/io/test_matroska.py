"""Films and sound of a session: exactly what was decoded, and little lost with the process."""

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.io import matroska
from moodring.models.io.matroska import FilmWriter, SoundWriter, check_encoder
from moodring.offline.recordings.frames import FileFrames, frame_times
from moodring.offline.recordings.sound import read_sound


def frames(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 37, 51, 3), dtype=np.uint8)


def write_frames(path, images, quality="lossless", stamps_s=None, received_s=None):
    film = FilmWriter(path, 37, 51, 25.0, quality)
    stamps_s = 50.0 + np.arange(len(images)) / 25 if stamps_s is None else stamps_s
    received_s = stamps_s if received_s is None else received_s
    for index, image in enumerate(images):
        assert film.write(image[np.newaxis], stamps_s[index : index + 1], received_s[index]) == index
    return film


def test_frames_come_back_bit_for_bit(tmp_path):
    images = frames(60)
    write_frames(tmp_path / "a.mkv", images).close()
    read = FileFrames(tmp_path / "a.mkv", frame_times(tmp_path / "a.mkv"), None)
    assert len(read) == 60
    for index in range(60):
        np.testing.assert_array_equal(read[index], images[index])


def test_small_films_are_smaller_and_look_alike(tmp_path):
    smooth = np.clip(np.cumsum(frames(50).astype(np.float64) - 127, axis=1) / 8 + 127, 0, 255).astype(np.uint8)
    sizes = {}
    for quality in matroska.QUALITIES:
        path = tmp_path / f"{quality}.mkv"
        write_frames(path, smooth, quality).close()
        sizes[quality] = path.stat().st_size
        apart = np.abs(FileFrames(path, frame_times(path), None)[30].astype(int) - smooth[30]).mean()
        assert apart < (0.001 if quality == "lossless" else 6.0)
    assert sizes["small"] < 0.6 * sizes["lossless"]


def test_a_film_that_is_cut_anywhere_opens_and_loses_no_more_than_its_end(tmp_path):
    """As after ``kill -9``: nothing is closed; then the file is cut at any place as well."""
    images = frames(75)
    film = write_frames(tmp_path / "a.mkv", images)
    content = (tmp_path / "a.mkv").read_bytes()
    whole = len(frame_times(tmp_path / "a.mkv").pts)
    assert 75 - whole <= 0.5 * 25
    for end in np.random.default_rng(2).integers(len(content) // 10, len(content), 6).tolist():
        cut = tmp_path / "cut.mkv"
        cut.write_bytes(content[:end])
        times = frame_times(cut)
        assert end / (len(content) / whole) - len(times.pts) <= 25
        last = len(times.pts) - 1
        np.testing.assert_array_equal(FileFrames(cut, times, None)[last], images[last])
    film.close()


def test_a_jump_of_the_clock_does_not_show_in_the_film_and_a_gap_does(tmp_path):
    received_s = 50.0 + np.arange(30) / 25
    received_s[20:] += 3.0
    stamps_s = received_s.copy()
    stamps_s[10:] += 1e6
    stamps_s[15:] -= 2e6
    write_frames(tmp_path / "a.mkv", frames(30), "small", stamps_s, received_s).close()
    shown_s = frame_times(tmp_path / "a.mkv").seconds
    np.testing.assert_allclose(shown_s - shown_s[0], received_s - 50.0, atol=0.002)


def test_sound_comes_back_exactly_and_survives_a_cut(tmp_path):
    sound = np.random.default_rng(3).normal(0, 0.3, 48000).astype(np.float32)
    sound[7], sound[8] = np.nan, 3.0
    file = SoundWriter(tmp_path / "a.mkv", 16000.0)
    for first in range(0, 48000, 320):
        assert file.write(sound[first : first + 320]) == first
    content = (tmp_path / "a.mkv").read_bytes()
    file.close()
    np.testing.assert_array_equal(read_sound(tmp_path / "a.mkv")[0][:, 0], sound)
    (tmp_path / "cut.mkv").write_bytes(content)
    cut = read_sound(tmp_path / "cut.mkv")[0][:, 0]
    assert len(sound) - len(cut) <= 8000
    np.testing.assert_array_equal(cut, sound[: len(cut)])


def test_an_encoder_that_is_not_there_is_named(monkeypatch):
    for quality in matroska.QUALITIES:
        check_encoder(quality)
    monkeypatch.setitem(matroska._CODECS, "small", ("no_such_codec", "", {}))
    with pytest.raises(MoodringError, match="no encoder 'no_such_codec'"):
        check_encoder("small")
