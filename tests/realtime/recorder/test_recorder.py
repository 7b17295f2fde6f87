"""The recorder's folder, threads, disk and choice of streams, without a process and without LSL."""

import os
import threading
import tomllib
from types import SimpleNamespace

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.liblsl import own_session
from moodring.configs.schema.live import (
    EegSection,
    LiveConfig,
    OutletSection,
    ReferenceSection,
    SessionSection,
    SignalSection,
    SpeechSection,
    StreamQuery,
)
from moodring.configs.schema.load import load
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.ingest.sources import Chunk, SourceInfo
from moodring.offline.recordings.open import open_recording
from moodring.realtime.engine.notices import recording_notices
from moodring.realtime.recorder import recorder as module
from moodring.realtime.recorder.disk import RESERVE_BYTES, DiskUse, DiskWatch
from moodring.realtime.recorder.folder import SessionFolder
from moodring.realtime.recorder.part_job import WantedStream
from moodring.realtime.recorder.recorder import Recorder
from moodring.realtime.recorder.wanted_streams import decoded_streams, wanted_streams
from moodring.realtime.recorder.writer_thread import WriterThread
from tests.support.lsl_stand import wait_for

CONFIG = LiveConfig(
    eeg=EegSection(stream=StreamQuery(name="amp"), rename={"EEG 001": "Fp1"}),
    session=SessionSection(
        participant="../P 7",
        session="a/b",
        task="rest & stress",
        consent='"yes", 2026',
        markers=[StreamQuery(type="Markers")],
    ),
)


def test_a_folder_is_filed_under_its_person_and_never_used_twice(tmp_path):
    first, second = (SessionFolder.create(tmp_path, CONFIG, ()) for _ in range(2))
    assert first.path == tmp_path / "sub-P_7-cc542a/ses-a_b/sub-P_7-cc542a_ses-a_b_task-rest_stress_run-01"
    assert second.path.name.endswith("_run-02")
    assert load(first.path / "config.toml", LiveConfig) == CONFIG
    said = tomllib.loads((first.path / "session.toml").read_text(encoding="utf-8"))
    assert (said["participant"], said["consent"]) == ("../P 7", '"yes", 2026')
    assert "t0_s" not in said
    first.update(t0_s=12.5)
    assert tomllib.loads((first.path / "session.toml").read_text(encoding="utf-8"))["t0_s"] == 12.5


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_what_a_session_records_is_for_its_owner_alone(tmp_path):
    voice = tmp_path / "voice.safetensors"
    voice.write_bytes(b"x")
    config = CONFIG.model_copy(update={"speech": SpeechSection(microphone="default", enrolment=voice)})
    before = os.umask(0o022)
    try:
        recorder = Recorder(config, (), VirtualClock(), tmp_path / "lab")
        info = SourceInfo("speech", "mic", 16_000.0, (1,), "<f4", ("audio",))
        film = SourceInfo("face", "cam", 25.0, (48, 64, 3), "|u1")
        recorder.take(info, Chunk(np.zeros((160, 1), np.float32), np.arange(160) / 16_000, 0.0))
        recorder.take(film, Chunk(np.zeros((1, 48, 64, 3), np.uint8), np.zeros(1), 0.0))
        recorder.stop()
    finally:
        os.umask(before)
    written = [path.name for path in (tmp_path / "lab").rglob("*") if path.is_file()]
    assert {"camera.mkv", "microphone.mkv", "session.toml", "decisions.jsonl", "participant.safetensors"} <= set(
        written
    )
    assert any(name.endswith(".xdf") for name in written)
    for path in sorted((tmp_path / "lab").rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MoodringError, match="give another folder for --record"):
        SessionFolder.create(tmp_path / "file", CONFIG, ())


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
    writing = WriterThread("face", sink, 4)
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
    writing = WriterThread("face", sink, 4)
    sink.go.set()
    writing.put(1)
    writing.close()
    assert writing.error == "no space left on device"
    assert sink.closed


@pytest.mark.parametrize("error", [None, OSError(28, "No space left on device")])
def test_what_is_lost_of_a_film_is_counted_in_frames(error):
    sink = Held(error)
    writing = WriterThread("face", sink, 4, len)
    for _ in range(20):
        writing.put(("one", "two", "three"))
    sink.go.set()
    writing.close()
    assert 3 * len(sink.got) + writing.lost == 60


def test_minutes_left_follow_the_faster_of_folder_and_disk():
    watch = DiskWatch()
    assert watch.minutes_left is None
    for second in range(40):
        watch = watch.with_use(DiskUse(float(second), 1_000_000 * second, 6 * 10**9 - 2_000_000 * second))
    assert watch.bytes_per_s == pytest.approx(2e6)
    assert watch.minutes_left == pytest.approx((6e9 - 39 * 2e6 - RESERVE_BYTES) / 2e6 / 60)
    assert not watch.full
    assert watch.with_use(DiskUse(41.0, 0, RESERVE_BYTES)).full


def test_what_is_decoded_is_not_recorded_twice_and_the_rest_of_the_amplifier_is():
    speech = SpeechSection(microphone="default", reference=ReferenceSection(stream=StreamQuery(name="mixer")))
    signals = [SignalSection(name="skin", stream=StreamQuery(name="skin-1"))]
    config = CONFIG.model_copy(update={"speech": speech, "signals": signals})
    assert decoded_streams(config) == tuple(StreamQuery(name=name) for name in ("amp", "mixer", "skin-1"))
    wanted = wanted_streams(config)
    assert WantedStream(StreamQuery(type="Markers"), named=True) in wanted
    assert WantedStream(StreamQuery(name="amp"), auxiliary=True) in wanted
    assert all(one.query.name != "mixer" for one in wanted)
    own = [one.query.name for one in wanted if one.own]
    assert own == [f"{config.outlet.name}{suffix}" for suffix in ("", "_health", "_marks")]


def test_a_gap_that_was_told_without_a_sample_reaches_the_next_chunk_of_every_kind(tmp_path):
    config = CONFIG.model_copy(update={"outlet": OutletSection(enabled=False), "lsl": own_session("test")})
    recorder = Recorder(config, (), VirtualClock(0.0), tmp_path)
    infos = {
        "eeg": SourceInfo("eeg", "amp", 10.0, (1,), "<f4", ("Fp1",)),
        "face": SourceInfo("face", "camera", 10.0, (32, 32, 3), "|u1"),
        "speech": SourceInfo("speech", "mic", 16_000.0, (1,), "<f4", ("audio",)),
    }
    for info in infos.values():
        samples = np.zeros((3, *info.shape), info.dtype)
        for index in range(3):
            stamps_s = 10.0 + index + np.arange(3) / 10
            if index == 1:
                recorder.take(info, Chunk(samples[:0], stamps_s[:0], 11.0 + index, gap=True, skipped=5))
            recorder.take(info, Chunk(samples, stamps_s, 11.0 + index, skipped=index))
    recorder.stop()
    recording = open_recording(recorder.folder.path)
    for signal in (recording.eeg, recording.face, recording.speech):
        assert signal.arrivals.stop.tolist() == [3, 6, 9]
        assert signal.arrivals.gap.tolist() == [False, True, False]
        assert signal.arrivals.skipped.tolist() == [0, 6, 2]
        assert signal.arrivals.received_s.tolist() == [11.0, 12.0, 13.0]


def test_what_the_config_names_and_never_came_is_told_shown_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MISSING_AFTER_S", 0.0)
    monkeypatch.setattr(module, "_LOOK_S", 0.0)
    config = CONFIG.model_copy(update={"outlet": OutletSection(enabled=False), "lsl": own_session("test")})
    recorder = Recorder(config, (), VirtualClock(0.0), tmp_path)
    info = SourceInfo("speech", "mic", 16_000.0, (1,), "<f4", ("audio",))
    recorder.take(info, Chunk(np.zeros((160, 1), np.float32), np.arange(160) / 16_000, 0.0))
    recorder.begin(SimpleNamespace(t0_s=0.0, rest_s=0.0), [info])
    told = wait_for(recorder.step, 60.0)[0]
    assert told == ("stream type='Markers' is not there and is not recorded; start its sender",)
    assert recorder.status.missing == ("eeg", "type='Markers'")
    assert recording_notices(recorder.status)[0].startswith("NOT RECORDED: eeg, which the config names")
    recorder.stop()
    status = recorder.status
    assert status.missing == ("eeg", "type='Markers'")
    assert status.lsl, "whatever was there is in the file"
    said = tomllib.loads((recorder.folder.path / "session.toml").read_text(encoding="utf-8"))
    assert said["missing_streams"] == ["eeg", "type='Markers'"]
    assert open_recording(recorder.folder.path).speech is not None


def test_any_further_source_is_recorded_whatever_its_numbers_are(tmp_path):
    config = CONFIG.model_copy(update={"outlet": OutletSection(enabled=False), "lsl": own_session("test")})
    recorder = Recorder(config, (), VirtualClock(0.0), tmp_path)
    rows = {
        "heart": np.arange(12, dtype=np.uint16).reshape(4, 3, 1),
        "skin": np.arange(4, dtype=np.int16)[:, np.newaxis],
    }
    stamps_s = np.array([3.0, 1.0, 2.0, 9.0])
    for key, samples in rows.items():
        info = SourceInfo(key, key, 10.0, samples.shape[1:], samples.dtype.str, (), delay_s=0.1)
        recorder.take(info, Chunk(samples[:0], stamps_s[:0], 4.0, gap=True, skipped=2))
        recorder.take(info, Chunk(samples, stamps_s, 5.0, skipped=1))
    recorder.stop()
    recording = open_recording(recorder.folder.path)
    for key, samples in rows.items():
        signal = recording.signals[key]
        np.testing.assert_array_equal(signal.samples, samples.reshape(4, -1))
        np.testing.assert_array_equal(signal.stamps_s, stamps_s)
        arrivals = signal.arrivals
        # A chunk without samples hands its gap on to the next.
        assert (arrivals.stop.tolist(), arrivals.gap.tolist(), arrivals.skipped.tolist()) == ([4], [True], [3])
        assert (arrivals.received_s.tolist(), arrivals.rate_hz, arrivals.delay_s) == ([5.0], 10.0, 0.1)
    assert signal.channel_names == ("skin_1",)


def test_a_session_without_a_sample_leaves_no_folder(tmp_path):
    config = CONFIG.model_copy(update={"lsl": own_session("test")})
    recorder = Recorder(config, (), VirtualClock(0.0), tmp_path)
    recorder.stop()
    assert not list(tmp_path.iterdir())


def test_a_session_without_a_sample_leaves_those_before_it(tmp_path):
    config = CONFIG.model_copy(update={"lsl": own_session("test")})
    earlier = SessionFolder.create(tmp_path, config, ())
    recorder = Recorder(config, (), VirtualClock(0.0), tmp_path)
    recorder.stop()
    assert not recorder.folder.path.exists()
    assert earlier.path.exists()
