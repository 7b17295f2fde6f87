import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import Recording, Signal, Video
from moodring.models.signals.face.images import scaled_size
from moodring.offline.recordings.media import read_media, read_wav
from moodring.offline.recordings.open import open_recording

Make = Callable[..., Recording]


def write_film(path: Path, video: Video | None, speech: Signal | None) -> None:
    """Write a film as cameras do: pictures and sound in one file, H.264 and FLAC of 24 bits."""
    with av.open(str(path), "w", format="matroska") as container:
        if video is not None:
            pictures = container.add_stream("libx264", rate=25)
            pictures.width, pictures.height, pictures.pix_fmt = video.width, video.height, "yuv444p"
            pictures.options = {"crf": "12", "bf": "0", "g": "50"}
            pictures.time_base = pictures.codec_context.time_base = Fraction(1, 1000)
            start_s = video.stamps_s[0] if speech is None else min(video.stamps_s[0], speech.stamps_s[0])
        if speech is not None:
            sound = container.add_stream("flac", rate=16_000, format="s32", layout="mono")
            whole = np.rint(speech.samples[:, 0].astype(np.float64) * 2**23).astype(np.int32) << 8
        second = 0
        while True:
            some = False
            if video is not None:
                for index in range(25 * second, min(25 * (second + 1), len(video.frames))):
                    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(video.frames[index]), format="bgr24")
                    picture.pts, some = round((video.stamps_s[index] - start_s) * 1000), True
                    picture.time_base = Fraction(1, 1000)
                    container.mux(pictures.encode(picture))
            if speech is not None and (block := whole[16_000 * second : 16_000 * (second + 1)]).size:
                frame = av.AudioFrame.from_ndarray(block[np.newaxis], format="s32", layout="mono")
                frame.sample_rate, frame.pts, some = 16_000, 16_000 * second, True
                container.mux(sound.encode(frame))
            if not some:
                break
            second += 1
        for stream in container.streams:
            container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def film(fake_recording: Make, tmp_path_factory: pytest.TempPathFactory) -> Path:
    recording = fake_recording(4.0, height=240, width=640)
    path = tmp_path_factory.mktemp("films") / "talk.mkv"
    write_film(path, recording.face, recording.speech)
    return path


def test_a_film_gives_scaled_frames_and_sound_on_one_timeline(film: Path, fake_recording: Make) -> None:
    original = fake_recording(4.0, height=240, width=640)
    recording = open_recording(film)
    face, speech = recording.face, recording.speech
    assert face is not None
    assert speech is not None
    assert original.face is not None
    assert original.speech is not None
    assert (recording.origin, recording.t0_s, recording.rest_s) == ("talk.mkv", 0.0, 0.0)
    assert (face.height, face.width) == (120, 320) == face.frames[0].shape[:2]
    assert len(face.frames) == len(face.stamps_s) == 100
    start_s = original.speech.stamps_s[0]
    np.testing.assert_allclose(face.stamps_s, original.face.stamps_s - start_s, atol=0.002)
    np.testing.assert_allclose(speech.stamps_s, np.arange(64_000) / 16_000, atol=0.002)
    np.testing.assert_allclose(speech.samples, original.speech.samples, atol=2**-23)
    small = original.face.frames[70].reshape(120, 2, 320, 2, 3).mean(axis=(1, 3))
    assert np.abs(face.frames[70] - small).mean() < 4


def test_a_film_without_sound_and_one_without_pictures(fake_recording: Make, tmp_path: Path) -> None:
    recording = fake_recording(1.0)
    write_film(tmp_path / "mute.mkv", recording.face, None)
    write_film(tmp_path / "dark.mkv", None, recording.speech)
    mute, dark = read_media(tmp_path / "mute.mkv"), read_media(tmp_path / "dark.mkv")
    assert mute.speech is None
    assert mute.face is not None
    assert dark.face is None
    assert dark.speech is not None


def test_a_cut_film_gives_what_can_be_decoded(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.mkv"
    path.write_bytes(film.read_bytes()[: film.stat().st_size * 2 // 3])
    recording = read_media(path)
    assert recording.face is not None
    count = len(recording.face.frames)
    assert 20 < count < 100
    assert recording.face.frames[count - 1].shape == (120, 320, 3)


def test_wav_is_averaged_and_resampled(tmp_path: Path) -> None:
    rate_hz = 44_100
    tone = 0.4 * np.sin(2 * np.pi * 300 * np.arange(rate_hz) / rate_hz)
    soundfile.write(tmp_path / "a.wav", np.column_stack([tone, tone]), rate_hz, subtype="FLOAT")
    recording = open_recording(tmp_path / "a.wav")
    assert recording.face is None
    assert recording.eeg is None
    assert recording.speech is not None
    np.testing.assert_allclose(recording.speech.stamps_s, np.arange(16_000) / 16_000, atol=1e-9)
    expected = 0.4 * np.sin(2 * np.pi * 300 * recording.speech.stamps_s)
    np.testing.assert_allclose(recording.speech.samples[300:-300, 0], expected[300:-300], atol=1e-3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.mpg", "a.wav", "a.flac"])
@pytest.mark.parametrize("content", [b"", b"no film at all " * 400, bytes(5000)], ids=["empty", "text", "zeros"])
def test_foreign_files_give_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(MoodringError, match=name) as caught:
        open_recording(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_an_empty_wav_gives_one_line(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), 16_000)
    with pytest.raises(MoodringError, match="is empty"):
        read_wav(tmp_path / "a.wav")


def test_a_broken_film_breaks_with_one_line_at_the_frame(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    path.write_bytes(film.read_bytes())
    recording = read_media(path)
    assert recording.face is not None
    path.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    with pytest.raises(MoodringError, match=r"frame 99 of 100") as caught:
        recording.face.frames[99]
    assert "\n" not in str(caught.value)


def test_what_cannot_be_opened_lists_what_can(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    for name, words in (("a.txt", "not known"), ("folder", "has no session.toml"), ("none.xdf", "does not exist")):
        with pytest.raises(MoodringError, match=rf"{words}.*can be opened.*session folder.*\.xdf.*\.mp4.*\.wav"):
            open_recording(tmp_path / name)


@pytest.mark.parametrize(
    ("size", "scaled"),
    [((288, 360), (256, 320)), ((1080, 1920), (180, 320)), ((640, 360), (320, 180)), ((48, 64), (48, 64))],
)
def test_frames_keep_their_shape_when_scaled(size: tuple[int, int], scaled: tuple[int, int]) -> None:
    assert scaled_size(*size) == scaled


def test_a_film_that_a_broken_copy_left_mostly_unwritten_is_refused(film: Path, tmp_path: Path) -> None:
    path = tmp_path / "talk.mkv"
    path.write_bytes(film.read_bytes())
    os.truncate(path, 3_000_000_000)
    with pytest.raises(MoodringError, match=r"should hold 3000 MB, and .* of it were ever written"):
        open_recording(path)


@pytest.mark.data
def test_a_real_clip_is_read(data_dir: Path) -> None:
    recording = open_recording(data_dir / "grid" / "bbaf2n.mpg")
    assert recording.face is not None
    assert recording.speech is not None
    assert len(recording.face.frames) == 75
    assert recording.face.rate_hz == pytest.approx(25.0)
    assert recording.face.frames[74].shape == (256, 320, 3)
    assert 2.9 < recording.speech.stamps_s[-1] < 3.1
    assert 0.05 < np.abs(recording.speech.samples).max() <= 1.0


@pytest.mark.data
@pytest.mark.parametrize("name", ["single_face.mp4", "no_face.mp4", "face_noface.mov"])
def test_real_films_decode_to_their_last_frame(data_dir: Path, name: str) -> None:
    recording = open_recording(data_dir / "faces" / name)
    assert recording.face is not None
    assert recording.face.frames[len(recording.face.stamps_s) - 1].shape[1] == 320
    assert (np.diff(recording.face.stamps_s) > 0).all()
    assert recording.speech is not None


@pytest.mark.data
def test_a_real_voice_is_read(data_dir: Path) -> None:
    path = sorted((data_dir / "emodb" / "wav").glob("*.wav"))[0]
    recording = open_recording(path)
    assert recording.speech is not None
    assert recording.speech.rate_hz == 16_000
    assert recording.speech.samples.shape == (len(recording.speech.stamps_s), 1)
