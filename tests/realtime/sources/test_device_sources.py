import builtins
import queue
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import LiveConfig, ReferenceSection, SpeechSection, StreamQuery
from moodring.models.io.ring import rings_in
from moodring.models.signals.face.images import scaled
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.ingest.sources import SourceGoneError
from moodring.models.streaming.ingest.stream_ingest import ingest_factory
from moodring.offline.decoding.recorded_sources import RecordedSignal, RecordedVideo
from moodring.realtime.engine.build import build_reference, build_source_channels
from moodring.realtime.sources.camera import Camera
from moodring.realtime.sources.microphone import Microphone
from moodring.realtime.sources.resample import StreamResampler


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 20.0, (640, 480))
    for index in range(30):
        writer.write(np.full((480, 640, 3), index * 8, np.uint8))
    writer.release()
    return path


def test_a_film_is_played_at_its_own_rate_on_the_clock(film):
    clock = VirtualClock(50.0)
    camera = Camera(str(film), 0.1, clock)
    info = camera.open()
    assert (info.rate_hz, info.shape, info.delay_s) == (20.0, (240, 320, 3), 0.1)
    chunks = []
    while (chunk := camera.poll()) is not None:
        chunks.append(chunk)
    camera.close()
    np.testing.assert_allclose([c.stamps_s[0] for c in chunks], 49.9 + np.arange(30) / 20, atol=1e-9)
    levels = [float(c.samples.mean()) for c in chunks]
    np.testing.assert_allclose(levels, np.arange(30) * 8, atol=3)
    assert camera.poll() is None, "the film is over"
    assert clock.now() == pytest.approx(51.5, abs=0.2)


class LiveCamera:
    """A camera of 20 Hz whose driver keeps four frames, the oldest first; each frame's brightness is its number."""

    def __init__(self, clock):
        self._clock, self._began_s, self._next = clock, clock.now(), 0

    def isOpened(self):  # noqa: N802 - OpenCV's name
        return True

    def get(self, what):
        return 20.0 if what == cv2.CAP_PROP_FPS else -1.0

    def captured_s(self, number):
        return self._began_s + 0.05 * (number + 1)

    def grab(self):
        taken = int((self._clock.now() - self._began_s) / 0.05 + 1e-6)  # frames captured so far
        self._next = max(self._next, taken - 4)
        self._clock.sleep(max(0.0, self.captured_s(self._next) - self._clock.now()))
        self._next += 1
        return True

    def retrieve(self):
        return True, np.full((48, 64, 3), self._next - 1, np.uint8)

    def read(self):
        self.grab()
        return self.retrieve()

    def release(self):
        pass


def test_every_frame_of_a_camera_is_stamped_when_it_was_captured_whenever_it_is_read(monkeypatch):
    clock = VirtualClock(50.0)
    device = LiveCamera(clock)
    monkeypatch.setattr(cv2, "VideoCapture", lambda *_: device)
    camera = Camera(0, None, clock)
    camera.open()
    clock.advance_to(clock.now() + 0.12)  # what a session does between opening and reading
    late = []
    for index in range(60):
        chunk = camera.poll()
        late.append(float(chunk.stamps_s[0]) - device.captured_s(int(chunk.samples[0, 0, 0, 0])))
        if index in (20, 30):
            clock.advance_to(clock.now() + (0.16 if index == 20 else 1.3))  # the reader is held up
    assert np.abs(late).max() < 0.06, "the queue's phase is not known: up to a period"
    assert np.abs(late[:20]).max() < 1e-6


@pytest.mark.parametrize("camera", [63, "no/such/film.mp4"])
def test_a_camera_that_does_not_open_says_what_to_do(camera):
    with pytest.raises(MoodringError, match=r"does not open.*face.camera") as caught:
        Camera(camera, None, VirtualClock()).open()
    assert "\n" not in str(caught.value)


def test_a_corrupt_film_is_refused(tmp_path):
    path = tmp_path / "corrupt.avi"
    path.write_bytes(b"RIFF" + bytes(5000))
    with pytest.raises(MoodringError, match="does not open"):
        Camera(str(path), None, VirtualClock()).open()


def test_frames_are_shrunk_and_never_enlarged():
    assert scaled(np.zeros((720, 1280, 3), np.uint8)).shape == (180, 320, 3)
    assert scaled(np.zeros((100, 90, 3), np.uint8)).shape == (100, 90, 3)


def test_a_recording_gives_what_was_captured_up_to_now(fakes):
    recording, clock = fakes.recording(4.0), VirtualClock(500.0)
    source = RecordedSignal("eeg", recording.eeg, recording, clock)
    assert source.open().first_sample_after_t0_s == 0.0
    assert len(source.poll().stamps_s) == 1
    assert source.poll() is None
    clock.advance_to(501.0)
    np.testing.assert_array_equal(source.poll().samples, recording.eeg.samples[1:257])
    video = RecordedVideo(recording.face, recording, clock)
    video.open()
    chunk = video.poll()
    assert len(chunk.stamps_s) == 26
    assert video.picture(chunk.samples[7])[0, 0, 0] == 7


@pytest.mark.parametrize("rate_hz", [44100.0, 48000.0, 8000.0])
def test_resampled_audio_keeps_its_time(rate_hz):
    stamps = 10.0 + np.arange(int(rate_hz)) / rate_hz
    tone = np.sin(2 * np.pi * 300 * stamps).astype(np.float32)
    resampler = StreamResampler(rate_hz)
    parts = [resampler.step(tone[i : i + 500], stamps[i : i + 500], False) for i in range(0, len(tone), 500)]
    samples, times = (np.concatenate(column) for column in zip(*parts, strict=True))
    assert len(samples) > 14000
    np.testing.assert_allclose(np.diff(times), 1 / 16000, atol=1e-9)
    middle = slice(1000, 13000)
    np.testing.assert_allclose(samples[middle], np.sin(2 * np.pi * 300 * times[middle]), atol=0.02)


def test_resampling_starts_anew_after_a_gap():
    resampler = StreamResampler(48000.0)
    stamps = np.arange(4800) / 48000
    resampler.step(np.ones(4800, np.float32), stamps, False)
    _, times = resampler.step(np.ones(4800, np.float32), stamps + 60.0, True)
    assert times[0] == pytest.approx(60.0, abs=1e-6)


def test_a_missing_portaudio_is_one_clear_line(monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name == "sounddevice":
            raise OSError("PortAudio library not found")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MoodringError, match="apt-get install libportaudio2"):
        Microphone("default", None, VirtualClock()).open()


class _PortAudio:
    """What the source uses of `sounddevice`, scripted."""

    class PortAudioError(Exception):
        pass

    def __init__(self, accepts_hz, there=True):
        self._accepts, self._there = accepts_hz, there
        self.stream = None

    def query_devices(self, device, kind):
        if not self._there:
            raise ValueError("No input device matching 'x'")
        return {"name": "scripted microphone", "default_samplerate": 48000.0}

    def check_input_settings(self, samplerate, **_):
        if samplerate not in self._accepts:
            raise self.PortAudioError("Invalid sample rate")

    def InputStream(self, **settings):  # noqa: N802
        self.stream = SimpleNamespace(settings=settings, active=True, start=lambda: None, close=lambda: None)
        return self.stream


def _call_back(portaudio, clock, n, latency_s, overflow=False):
    moments = SimpleNamespace(currentTime=7.0 + latency_s, inputBufferAdcTime=7.0)
    status = SimpleNamespace(input_overflow=overflow)
    portaudio.stream.settings["callback"](np.full((n, 1), 0.25, np.float32), n, moments, status)


def test_blocks_are_stamped_by_the_adcs_time(monkeypatch):
    portaudio, clock = _PortAudio({16000}), VirtualClock(100.0)
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    microphone = Microphone("default", 0.005, clock)
    info = microphone.open()
    assert (info.name, info.rate_hz) == ("scripted microphone", 16000.0)
    _call_back(portaudio, clock, 320, 0.03)
    clock.advance_to(100.02)
    _call_back(portaudio, clock, 320, 0.03)
    chunk = microphone.poll()
    assert chunk.samples.shape == (640, 1)
    assert chunk.stamps_s[0] == pytest.approx(99.965)
    assert chunk.stamps_s[320] == pytest.approx(99.985)
    assert not chunk.gap
    # A back end that reports nonsense: the block ended when it came.
    _call_back(portaudio, clock, 320, -7.0, overflow=True)
    chunk = microphone.poll()
    assert chunk.stamps_s[0] == pytest.approx(99.995)
    assert chunk.gap


def test_a_device_that_refuses_16_khz_is_resampled(monkeypatch):
    portaudio, clock = _PortAudio({48000}), VirtualClock(100.0)
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    microphone = Microphone(3, None, clock)
    microphone.open()
    assert portaudio.stream.settings["samplerate"] == 48000.0
    given = 0
    for _ in range(50):
        _call_back(portaudio, clock, 960, 0.02)
        clock.advance_to(clock.now() + 0.02)
        given += len(microphone.poll().stamps_s)
    assert given == pytest.approx(16000, abs=400)


def test_a_microphone_that_is_not_there_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", _PortAudio({16000}, there=False))
    with pytest.raises(MoodringError, match=r"No input device matching 'x'.*moodring streams"):
        Microphone("x", None, VirtualClock()).open()


def test_an_empty_queue_is_no_chunk(monkeypatch):
    monkeypatch.setitem(sys.modules, "sounddevice", _PortAudio({16000}))
    microphone = Microphone("default", None, VirtualClock())
    microphone.open()
    assert isinstance(microphone._blocks, queue.SimpleQueue)
    assert microphone.poll() is None


def test_overflows_that_the_device_tells_are_counted(monkeypatch):
    portaudio, clock = _PortAudio({16000}), VirtualClock(100.0)
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    microphone = Microphone("default", None, clock)
    ingest = ingest_factory(None, rings_in(None))(microphone.open())
    for overflow in (False, True, False, True, True):
        clock.advance_to(clock.now() + 0.02)
        _call_back(portaudio, clock, 320, 0.02, overflow)
        ingest.append(microphone.poll())
    assert ingest.figures.overflows == 3


@pytest.mark.parametrize(("alone", "times"), [(True, 1), (False, 0)])
def test_the_list_of_devices_is_read_anew_only_where_no_other_input_is_open(monkeypatch, alone, times):
    portaudio, clock, read = _PortAudio({16000}), VirtualClock(100.0), []
    portaudio._terminate = lambda: read.append("anew")
    portaudio._initialize = lambda: None
    monkeypatch.setitem(sys.modules, "sounddevice", portaudio)
    microphone = Microphone("default", None, clock, alone=alone)
    microphone.open()
    portaudio.stream.active = False
    with pytest.raises(SourceGoneError, match="gives no more sound"):
        microphone.poll()
    # Either way it is taken back.
    microphone.open()
    assert len(read) == times
    _call_back(portaudio, clock, 320, 0.02)
    assert len(microphone.poll().stamps_s) == 320


@pytest.mark.parametrize(
    ("speech", "alone"),
    [
        ({"microphone": "x"}, True),
        ({"microphone": "x", "reference": ReferenceSection(device="y")}, False),
        ({"microphone": "x", "reference": ReferenceSection(stream=StreamQuery(name="y"))}, True),
    ],
)
def test_inputs_know_of_each_other(speech, alone):
    config = LiveConfig(speech=SpeechSection(**speech))
    clock = VirtualClock()
    sources = [build_source_channels(config, clock)[2].source]
    reference = build_reference(config, clock)
    if reference is not None and isinstance(reference.source, Microphone):
        sources.append(reference.source)
    assert len(sources) == (1 if alone else 2)
    assert [source._alone for source in sources] == [alone] * len(sources)
