"""Real pictures, films and sounds: decoded ahead, in time, and what is broken is told."""

import numpy as np
import pytest
from PIL import Image as Pillow

from moodring.realtime.lab.protocol.example import write_example
from moodring.realtime.lab.protocol.frames import Frames, Sound
from moodring.realtime.lab.protocol.playing import Playing
from moodring.realtime.lab.protocol.stimulus_files import Stimulus
from tests.support.lsl_stand import wait_for


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_example(tmp_path_factory.mktemp("protocol") / "example").parent


def film(path, seconds=6.0):
    return Stimulus("it", "film", path, seconds, False)


def test_a_film_has_its_frames_at_their_times(folder):
    frames = Frames(film(folder / "slow_disc.mkv"), (1920, 1080))
    wait_for(lambda: frames.ready, 20)
    first = frames.at(0.0)
    assert first.shape == (480, 640, 3)
    assert frames.at(0.03) is first, "25 a second: the next is due after 40 ms"
    wait_for(lambda: frames.at(0.05) is not first, 20)
    seen = [frames.at(0.05)]

    def reach(at_s):
        wait_for(lambda: frames.at(at_s) is not seen[-1], 20)
        seen.append(frames.at(at_s))

    for number in range(2, 10):
        reach(0.04 * number + 0.01)
    frames.close()
    assert frames.error == ""


def test_pictures_are_no_larger_than_the_screen_and_upright(folder, tmp_path):
    picture = Pillow.new("RGB", (400, 100), (255, 0, 0))
    exif = picture.getexif()
    exif[0x0112] = 6  # turned by a quarter
    picture.save(tmp_path / "turned.jpg", exif=exif)
    frames = Frames(Stimulus("it", "picture", tmp_path / "turned.jpg", 1.0, False), (200, 200))
    wait_for(lambda: frames.ready, 20)
    assert frames.at(0.0).shape == (200, 50, 3)
    assert frames.at(0.0)[50, 25, 2] > 200, "red is the last of blue, green and red"
    frames.close()


def test_a_film_that_breaks_off_in_the_middle_is_told(folder, tmp_path):
    whole = (folder / "slow_disc.mkv").read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(whole[: len(whole) // 2])
    frames = Frames(film(path), (640, 480))
    number = iter(range(100_000))
    wait_for(lambda: frames.at(0.04 * next(number)) is not None and frames.error, 20)
    frames.close()
    assert "of 6.0 s" in frames.error or "beyond" in frames.error


def test_a_picture_that_is_none_any_more_is_told(tmp_path):
    (tmp_path / "it.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"x" * 100)
    frames = Frames(Stimulus("it", "picture", tmp_path / "it.png", 1.0, False), (640, 480))
    wait_for(lambda: frames.error, 20)
    assert frames.error.startswith("cannot be shown (")
    frames.close()
    gone = Frames(Stimulus("it", "film", tmp_path / "gone.mkv", 1.0, False), (640, 480))
    wait_for(lambda: gone.error, 20)
    gone.close()


def test_sound_is_what_is_in_the_file(folder):
    sound = Sound(Stimulus("it", "sound", folder / "high_beeps.wav", 6.0, True), 48_000)
    wait_for(lambda: sound.ready, 20)
    heard = []
    while not sound.over:
        out = np.zeros((480, 2), np.float32)
        heard.append(out[: sound.fill(out)])
    sound.close()
    samples = np.concatenate(heard)
    assert len(samples) / 48_000 == pytest.approx(6.0, abs=0.05)
    assert np.allclose(samples[:, 0], samples[:, 1])
    spectrum = np.abs(np.fft.rfft(samples[:, 0]))
    assert np.argmax(spectrum) * 48_000 / len(samples) == pytest.approx(1760.0, abs=5.0)


class Output:
    """A loudspeaker that is heard 80 ms after it was armed."""

    rate_hz = 8000

    def __init__(self):
        self.armed_s, self.now_s, self.stands_s, self.silent = None, 0.0, 0.0, False

    def arm(self, sound):
        self.armed_s = self.now_s

    @property
    def begins_s(self):
        return None if self.armed_s is None else self.armed_s + 0.08

    def heard_s(self, now_s):
        return now_s - self.begins_s - self.stands_s

    def silence(self):
        self.silent = True


def test_pictures_begin_with_their_sound_and_follow_it(folder):
    output = Output()
    playing = Playing(Stimulus("it", "film", folder / "slow_disc.mkv", 6.0, True), output, (640, 480))
    playing._sound = Sound(Stimulus("it", "sound", folder / "low_chord.wav", 6.0, True), 8000)
    wait_for(lambda: playing._frames.ready and playing._sound.ready, 20)
    assert not playing.begun(0.0)
    assert not playing.begun(0.07)
    assert playing.begun(0.08)
    first = playing.image(0.08)
    wait_for(lambda: playing.image(0.08 + 0.05) is not first, 20)
    second = playing.image(0.08 + 0.05)
    output.stands_s = 0.05  # samples came late: the loudspeaker stood still
    assert playing.image(0.08 + 0.09) is second, "pictures wait for their sound"
    playing.close()
    assert output.silent


def test_a_stimulus_that_never_becomes_ready_is_late(tmp_path):
    playing = Playing(film(tmp_path / "gone.mkv"), None, (640, 480))
    assert not playing.late(1000.0), "nobody has asked for it"
    assert not playing.begun(1000.0)
    assert playing.late(1021.0)
    playing.close()
