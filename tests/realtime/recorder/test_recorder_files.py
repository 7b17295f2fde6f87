"""What the recorder writes, without LSL: folder, rows, films, disk, and what happens to what does not fit."""

import os
import sys
import threading
import time
import tomllib

import numpy as np
import psutil
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import (
    EegSection,
    LiveConfig,
    LslSection,
    ReferenceSection,
    SessionSection,
    SpeechSection,
    StreamQuery,
)
from moodring.configs.schema.load import load
from moodring.configs.schema.session_folder import (
    CAMERA_FILE,
    CAMERA_INDEX_FILE,
    MICROPHONE_FILE,
    MICROPHONE_INDEX_FILE,
)
from moodring.models.streaming.sources import Chunk, SourceInfo
from moodring.offline.recordings.live_session import _pictures, _sound, read_samples
from moodring.realtime.recorder import labrecorder
from moodring.realtime.recorder.disk import RESERVE_BYTES, DiskUse, DiskWatch
from moodring.realtime.recorder.files import Samples
from moodring.realtime.recorder.folder import SessionFolder
from moodring.realtime.recorder.labrecorder import recorder_settings
from moodring.realtime.recorder.media import Pictures, Sound, even_runs
from moodring.realtime.recorder.writing import Writing

EEG = SourceInfo("eeg", "amp", 256.0, (3,), "<f4", ("Fp1", "Fp2", "Cz"))
FACE = SourceInfo("face", "camera 0", 25.0, (37, 51, 3), "|u1")
SPEECH = SourceInfo("speech", "mic", 16000.0, (1,), "<f4", ("audio",), jitter_s=0.3)
CONFIG = LiveConfig(
    eeg=EegSection(stream=StreamQuery(name="amp"), rename={"EEG 001": "Fp1"}),
    session=SessionSection(participant="../P 7", session="a/b", task="rest & stress", consent='"yes", 2026'),
)


def chunk(samples, first_s, rate_hz):
    return Chunk(samples, first_s + np.arange(len(samples)) / rate_hz, 0.0)


def frames(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 37, 51, 3), dtype=np.uint8)


def write_frames(folder, images, quality="lossless"):
    sink = Pictures(folder / CAMERA_FILE, folder / CAMERA_INDEX_FILE, FACE, quality)
    for index, image in enumerate(images):
        sink.write(Chunk(image[np.newaxis], np.array([50.0 + index / 25 + 1e-5 * (index % 7)]), 0.0))
    return sink


def test_a_folder_is_filed_under_its_person_and_never_used_twice(tmp_path):
    first, second = (SessionFolder.create(tmp_path, CONFIG, ()) for _ in range(2))
    assert first.path == tmp_path / "sub-P_7/ses-a_b/sub-P_7_ses-a_b_task-rest_stress_run-01"
    assert second.path.name.endswith("_run-02")
    assert load(first.path / "config.toml", LiveConfig) == CONFIG
    said = tomllib.loads((first.path / "session.toml").read_text(encoding="utf-8"))
    assert (said["participant"], said["consent"]) == ("../P 7", '"yes", 2026')
    assert "t0_s" not in said
    first.say(t0_s=12.5)
    assert tomllib.loads((first.path / "session.toml").read_text(encoding="utf-8"))["t0_s"] == 12.5


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MoodringError, match="give another folder for --record"):
        SessionFolder.create(tmp_path / "file", CONFIG, ())


def test_rows_come_back_whole_wherever_the_file_ends(tmp_path):
    values = np.random.default_rng(1).normal(size=(40, 3)).astype(np.float32)
    path = tmp_path / "eeg.samples"
    sink = Samples(path, EEG)
    for first in range(0, 40, 8):
        sink.write(chunk(values[first : first + 8], 9.0 + first / 256, 256.0))
    sink.close()
    content = path.read_bytes()
    head = content.index(b"\n") + 1
    for end in range(head - 3, len(content) + 1):
        path.write_bytes(content[:end])
        signal = read_samples(path)
        count = max(0, end - head) // (8 + 3 * 4)
        if count == 0:
            assert signal is None
            continue
        np.testing.assert_array_equal(signal.samples, values[:count])
        np.testing.assert_array_equal(signal.stamps_s, 9.0 + np.arange(count) / 256)
    assert (signal.rate_hz, signal.channel_names, signal.name) == (256.0, EEG.channel_names, "amp")


def test_stamps_that_went_back_are_left_out(tmp_path):
    sink = Samples(tmp_path / "eeg.samples", EEG)
    for first_s in (5.0, 4.0, 7.0):
        sink.write(chunk(np.full((4, 3), first_s, np.float32), first_s, 256.0))
    sink.close()
    signal = read_samples(tmp_path / "eeg.samples")
    assert np.all(np.diff(signal.stamps_s) > 0)
    assert signal.samples[:, 0].tolist() == [5.0] * 4 + [7.0] * 4


def test_frames_come_back_bit_for_bit_with_their_stamps(tmp_path):
    images = frames(60)
    write_frames(tmp_path, images).close()
    video = _pictures(tmp_path / CAMERA_FILE, tmp_path / CAMERA_INDEX_FILE)
    assert (video.height, video.width, video.name, video.rate_hz) == (37, 51, "camera 0", 25.0)
    np.testing.assert_array_equal(video.stamps_s, 50.0 + np.arange(60) / 25 + 1e-5 * (np.arange(60) % 7))
    for index in range(60):
        np.testing.assert_array_equal(video.frames[index], images[index])


def test_small_films_are_smaller_and_look_alike(tmp_path):
    smooth = np.clip(np.cumsum(frames(50).astype(np.float64) - 127, axis=1) / 8 + 127, 0, 255).astype(np.uint8)
    sizes = {}
    for quality in ("lossless", "small"):
        folder = tmp_path / quality
        folder.mkdir()
        write_frames(folder, smooth, quality).close()
        sizes[quality] = (folder / CAMERA_FILE).stat().st_size
        video = _pictures(folder / CAMERA_FILE, folder / CAMERA_INDEX_FILE)
        apart = np.abs(video.frames[30].astype(int) - smooth[30]).mean()
        assert apart < (0.001 if quality == "lossless" else 6.0)
    assert sizes["small"] < 0.6 * sizes["lossless"]


def test_a_film_that_is_cut_anywhere_opens_and_loses_no_more_than_its_end(tmp_path):
    """As after ``kill -9``: nothing is closed; then the file is cut at any place as well."""
    images = frames(75)
    sink = write_frames(tmp_path, images)
    sink.flush()
    content = (tmp_path / CAMERA_FILE).read_bytes()
    video = _pictures(tmp_path / CAMERA_FILE, tmp_path / CAMERA_INDEX_FILE)
    assert 75 - len(video.stamps_s) <= 0.5 * 25
    per_frame = len(content) / len(video.stamps_s)
    for end in np.random.default_rng(2).integers(len(content) // 10, len(content), 12).tolist():
        cut = tmp_path / "cut.mkv"
        cut.write_bytes(content[:end])
        video = _pictures(cut, tmp_path / CAMERA_INDEX_FILE)
        count = len(video.stamps_s)
        assert end / per_frame - count <= 25
        np.testing.assert_array_equal(video.frames[count - 1], images[count - 1])
    sink.close()


def test_sound_comes_back_with_the_stamps_it_came_with_and_survives_a_cut(tmp_path):
    rng = np.random.default_rng(3)
    sound = np.clip(rng.normal(0, 0.3, (48000, 1)), -1, 1).astype(np.float32)
    sink = Sound(tmp_path / MICROPHONE_FILE, tmp_path / MICROPHONE_INDEX_FILE, SPEECH)
    stamps = []
    for block, first in enumerate(range(0, 48000, 320)):
        stamps.append(7.0 + first / 16000 + 0.001 * (block % 3) + np.arange(320) / 16000)
        sink.write(Chunk(sound[first : first + 320], stamps[-1], 0.0))
    sink.flush()
    content = (tmp_path / MICROPHONE_FILE).read_bytes()
    sink.close()
    whole = _sound(tmp_path / MICROPHONE_FILE, tmp_path / MICROPHONE_INDEX_FILE)
    np.testing.assert_allclose(whole.samples, sound, atol=2**-23)
    # Jitter of a block that came early: its stamps stand still until they are ahead.
    expected = np.maximum.accumulate(np.concatenate(stamps))
    np.testing.assert_allclose(whole.stamps_s, expected, atol=1e-9, rtol=0)
    assert (whole.jitter_s, whole.rate_hz, whole.name) == (0.3, 16000.0, "mic")
    (tmp_path / "cut.mkv").write_bytes(content)
    cut = _sound(tmp_path / "cut.mkv", tmp_path / MICROPHONE_INDEX_FILE)
    assert len(sound) - len(cut.samples) <= 16000
    np.testing.assert_allclose(cut.samples, sound[: len(cut.samples)], atol=2**-23)


def test_runs_end_where_stamps_jump():
    stamps_s = np.concatenate([np.arange(5), np.arange(5) + 5.001, [20.0]]) / 16000
    assert even_runs(stamps_s, 16000.0) == ((0, 10), (10, 11))
    assert even_runs(np.array([0.0, 1.0, 1.5]), 2.0) == ((0, 1), (1, 3))


class Held:
    """A sink that stands still until it is let go, and then may refuse."""

    def __init__(self, error=None):
        self.go, self.got, self.closed, self.error = threading.Event(), [], False, error

    def write(self, item):
        self.go.wait(10)
        if self.error is not None:
            raise self.error
        self.got.append(item)

    def flush(self):
        pass

    def close(self):
        self.closed = True


def test_a_slow_disk_holds_nobody_up_and_what_did_not_fit_is_counted():
    sink = Held()
    writing = Writing("face", sink, 4)
    for item in range(20):
        writing.put(item)
    assert writing.lost >= 15
    sink.go.set()
    writing.close()
    assert sink.closed
    assert len(sink.got) + writing.lost == 20
    assert sink.got == sorted(sink.got)


def test_a_disk_that_refuses_is_told_once_and_nothing_raises():
    sink = Held(OSError(28, "No space left on device"))
    writing = Writing("face", sink, 4)
    sink.go.set()
    writing.put(1)
    writing.close()
    assert writing.error == "no space left on device"
    assert sink.closed


def test_minutes_left_follow_the_faster_of_folder_and_disk():
    watch = DiskWatch()
    assert watch.minutes_left is None
    for second in range(40):
        watch = watch.saw(DiskUse(float(second), 1_000_000 * second, 6 * 10**9 - 2_000_000 * second))
    assert watch.bytes_per_s == pytest.approx(2e6)
    assert watch.minutes_left == pytest.approx((6e9 - 39 * 2e6 - RESERVE_BYTES) / 2e6 / 60)
    assert not watch.full
    assert watch.saw(DiskUse(41.0, 0, RESERVE_BYTES)).full


def test_labrecorder_stays_in_the_session_and_on_the_machine():
    text = recorder_settings(LslSection(session_id="lab7", known_peers=["10.0.0.2"], resolve_scope="machine"))
    assert "SessionID = lab7" in text
    assert "KnownPeers = {10.0.0.2, 127.0.0.1}" in text
    assert "TTLOverride = 0" in text
    assert "ResolveScope" not in text
    assert "ResolveScope = link" in recorder_settings(LslSection(session_id="lab7"))


@pytest.mark.skipif(os.name != "posix", reason="the stand-in for LabRecorder is a script")
def test_a_labrecorder_that_hangs_when_told_to_stop_is_killed(tmp_path, monkeypatch):
    program = tmp_path / "LabRecorderCLI"
    program.write_text(f"#!{sys.executable}\nimport signal\nprint('hangs', flush=True)\nsignal.pause()\n")
    program.chmod(0o755)
    monkeypatch.setattr(labrecorder, "LINGER_S", 0.0)
    monkeypatch.setattr(labrecorder, "CLOSING_S", 0.2)
    part = labrecorder.Part(program, tmp_path / "part-001.xdf", ["1"], None)
    keeper = psutil.Process(part.pid)
    stop_s = time.monotonic() + 20
    while "hangs" not in part.said():
        assert time.monotonic() < stop_s
    (hung,) = keeper.children()
    assert not part.died
    part.finish()
    assert part.wait(20)
    assert not hung.is_running()


def test_labrecorder_follows_the_computers_own_settings(tmp_path, monkeypatch):
    own = tmp_path / "lsl_api.cfg"
    monkeypatch.setenv("LSLAPICFG", str(own))
    own.write_text("[lab]\nSessionID = x\n[multicast]\nResolveScope = site\n")
    assert recorder_settings(LslSection()) is None
    own.write_text("[lab]\nSessionID = x\n[multicast]\nResolveScope = machine\n")
    text = recorder_settings(LslSection())
    assert "SessionID = x\n[multicast]\nAddressesOverride = {224.0.0.1}\nTTLOverride = 0" in text


@pytest.mark.parametrize(("source", "wanted"), [({"stream": StreamQuery(name="mixer")}, 1), ({"device": "monitor"}, 0)])
def test_what_the_loudspeaker_plays_goes_into_the_xdf_where_it_is_on_lsl(source, wanted):
    from moodring.realtime.recorder.recorder import _wanted

    speech = SpeechSection(microphone="default", reference=ReferenceSection(**source))
    queries = [one.query for one in _wanted(CONFIG.model_copy(update={"speech": speech}))]
    assert queries.count(StreamQuery(name="mixer")) == wanted
    assert StreamQuery(name="amp") in queries
