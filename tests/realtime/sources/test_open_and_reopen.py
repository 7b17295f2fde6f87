"""A source is opened and opened again on one path: what is refused at first is refused again, and so is any change."""

import sys
from types import SimpleNamespace

import numpy as np
import pylsl
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import EegSection, StreamQuery
from moodring.models.io.ring import rings_in
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.ingest.source_channel import SourceChannel
from moodring.models.streaming.ingest.source_connection import SourceConnection
from moodring.models.streaming.ingest.sources import (
    Chunk,
    SourceGoneError,
    SourceInfo,
    SourceUnfitError,
    check_unchanged,
)
from moodring.models.streaming.ingest.stream_ingest import ingest_factory
from moodring.realtime.sources import camera as camera_module
from moodring.realtime.sources.camera import Camera
from moodring.realtime.sources.lsl_audio import LslAudio
from moodring.realtime.sources.lsl_eeg import LslEeg
from moodring.realtime.sources.lsl_signal import LslSignal
from moodring.realtime.sources.lsl_video import LslVideo
from moodring.realtime.sources.microphone import Microphone

pytestmark = pytest.mark.usefixtures("lsl_session")
QUERY = StreamQuery(name="device")


def eeg_stream(
    labels=("Fp1", "Fp2", "C3"), rate_hz=256.0, sample_format=pylsl.cf_float32, unit="microvolts", kind="EEG"
):
    info = pylsl.StreamInfo("device", "EEG", len(labels), rate_hz, sample_format, "device")
    channels = info.desc().append_child("channels")
    for label in labels:
        channel = channels.append_child("channel")
        for key, value in (("label", label), ("unit", unit), ("type", kind)):
            channel.append_child_value(key, value)
    return info


def audio_stream(count=1, rate_hz=16000.0, sample_format=pylsl.cf_float32):
    return pylsl.StreamInfo("device", "Audio", count, rate_hz, sample_format, "device")


def video_stream(height=4, width=6, rate_hz=25.0, encoding="bgr24", count=None):
    n = height * width * 3 if count is None else count
    info = pylsl.StreamInfo("device", "VideoFrames", n, rate_hz, pylsl.cf_int8, "device")
    video = info.desc().append_child("moodring").append_child("video")
    for key, value in (("height", str(height)), ("width", str(width)), ("encoding", encoding)):
        video.append_child_value(key, value)
    return info


class ScriptedInlet:
    """Stands in for an inlet: connects to the streams of a list, one after the other, each of which sends one chunk."""

    def __init__(self, streams):
        self._streams = list(streams)
        self._now = None

    def open(self, describe):
        self._now = self._streams.pop(0)
        return describe(self._now)

    def pull(self):
        if self._now is None:
            raise SourceGoneError("device has ended")
        info, self._now = self._now, None
        n = round(info.nominal_srate() / 10)
        at_s = 100.0 - len(self._streams)
        dtype = {pylsl.cf_float32: np.float32, pylsl.cf_double64: np.float64, pylsl.cf_int8: np.int8}.get(
            info.channel_format(), np.int16
        )
        samples = np.ones((n, info.channel_count()), dtype)
        return Chunk(samples, at_s + np.arange(n) / info.nominal_srate(), at_s + 0.1, False)

    def close(self):
        self._now = None


def lsl_source(make):
    def source(monkeypatch, streams):
        made = make()
        made._inlet = ScriptedInlet(streams)
        return made

    return source


class Capture:
    """Stands in for OpenCV's capture of a camera that gives two frames."""

    def __init__(self, size):
        self._size, self._left = size, 3

    def isOpened(self):  # noqa: N802
        return self._size is not None

    def get(self, what):
        return 0.0

    def read(self):
        self._left -= 1
        return (True, np.full((*self._size, 3), 7, np.uint8)) if self._left > 0 and self._size else (False, None)

    def grab(self):
        return self._left > 0

    def retrieve(self):
        return self.read()

    def release(self):
        self._left = 0


def camera_source(monkeypatch, sizes):
    sizes = list(sizes)
    monkeypatch.setattr(camera_module, "_capture", lambda camera: Capture(sizes.pop(0)))
    return Camera(0, None, VirtualClock(100.0))


class PortAudio:
    """Stands in for `sounddevice`; each start meets the next of a list of rates, or no device."""

    class PortAudioError(Exception):
        pass

    def __init__(self, rates_hz, clock):
        self._rates_hz, self._clock = list(rates_hz), clock
        self._now = None
        self._terminate = self._initialize = lambda: None

    def query_devices(self, device, kind):
        self._now = self._rates_hz.pop(0)
        self._clock.sleep(1.0)
        if self._now is None:
            raise ValueError("No input device matching 'x'")
        return {"name": "scripted microphone", "default_samplerate": 48000.0}

    def check_input_settings(self, samplerate, **_):
        if samplerate != self._now:
            raise self.PortAudioError("Invalid sample rate")

    def InputStream(self, **settings):  # noqa: N802
        stream = SimpleNamespace(active=False, close=lambda: None)

        def start():
            status = SimpleNamespace(input_overflow=False)
            moments = SimpleNamespace(currentTime=7.02, inputBufferAdcTime=7.0)
            for _ in range(4):
                settings["callback"](np.full((settings["blocksize"], 1), 0.25, np.float32), 320, moments, status)

        stream.start = start
        return stream


def microphone_source(monkeypatch, rates_hz):
    clock = VirtualClock(100.0)
    monkeypatch.setitem(sys.modules, "sounddevice", PortAudio(rates_hz, clock))
    return Microphone("x", None, clock)


EEG = lsl_source(lambda: LslEeg(EegSection(stream=QUERY)))
AUDIO = lsl_source(lambda: LslAudio(QUERY, None))
SIGNAL = lsl_source(lambda: LslSignal("skin", QUERY, None))
VIDEO = lsl_source(lambda: LslVideo(QUERY, None))


def connection_of(source, modality):
    channel = SourceChannel(modality, "device", source)
    return SourceConnection(channel, source, ingest_factory(None, rings_in(None))), channel


def poll_until_chunk(connection, tries=20):
    for _ in range(tries):
        if (chunk := connection.poll()) is not None:
            return chunk
    raise AssertionError("no sample came")


def poll_on(connection):
    for _ in range(20):
        connection.poll()


GOOD = [
    pytest.param(EEG, "eeg", eeg_stream, id="eeg"),
    pytest.param(AUDIO, "speech", audio_stream, id="audio"),
    pytest.param(AUDIO, "speech", lambda: audio_stream(2, 48000.0, pylsl.cf_int16), id="audio, resampled"),
    pytest.param(SIGNAL, "skin", eeg_stream, id="further signal"),
    pytest.param(VIDEO, "face", video_stream, id="video"),
    pytest.param(camera_source, "face", lambda: (24, 32), id="camera"),
    pytest.param(microphone_source, "speech", lambda: 16000, id="microphone"),
    pytest.param(microphone_source, "speech", lambda: 48000, id="microphone, resampled"),
]


@pytest.mark.parametrize(("make", "modality", "good"), GOOD)
def test_a_source_that_comes_back_as_it_was_goes_on_after_a_gap(monkeypatch, make, modality, good):
    connection, channel = connection_of(make(monkeypatch, [good(), good()]), modality)
    assert not poll_until_chunk(connection).gap
    ingest, before = channel.ingest, channel.ingest.ring.count
    chunk = poll_until_chunk(connection)
    while not chunk.gap:
        chunk = poll_until_chunk(connection)
    assert channel.ingest is ingest
    assert ingest.ring.count > before


# What each source refuses: at first, if it alone is wrong, and when it comes back, if it is not what it was.
REFUSED_AT_FIRST = [
    pytest.param(
        SIGNAL, "skin", eeg_stream, lambda: eeg_stream(rate_hz=0.0), "no regular rate", id="signal without rate"
    ),
    pytest.param(EEG, "eeg", eeg_stream, lambda: eeg_stream(rate_hz=0.0), "no regular rate", id="eeg without rate"),
    pytest.param(
        EEG, "eeg", eeg_stream, lambda: eeg_stream(unit="parsec"), "units as parsec", id="eeg of unknown unit"
    ),
    pytest.param(EEG, "eeg", eeg_stream, lambda: eeg_stream(("a", "a")), "2 channels 'a'", id="eeg names twice"),
    pytest.param(EEG, "eeg", eeg_stream, lambda: eeg_stream(kind="AUX"), "none of type EEG", id="no eeg"),
    pytest.param(
        EEG, "eeg", eeg_stream, lambda: eeg_stream(sample_format=pylsl.cf_string), "carries text", id="eeg as text"
    ),
    pytest.param(
        AUDIO, "speech", audio_stream, lambda: audio_stream(rate_hz=0.0), "no regular rate", id="audio without rate"
    ),
    pytest.param(
        AUDIO, "speech", audio_stream, lambda: audio_stream(1, 16000.0, pylsl.cf_string), "carries text", id="text"
    ),
    pytest.param(
        VIDEO, "face", video_stream, lambda: video_stream(encoding="jpeg"), "bgr24", id="video of another encoding"
    ),
    pytest.param(VIDEO, "face", video_stream, lambda: video_stream(count=12), "bgr24", id="video of too few channels"),
    pytest.param(camera_source, "face", lambda: (24, 32), lambda: None, "does not open", id="camera gone"),
    pytest.param(microphone_source, "speech", lambda: 16000, lambda: None, "does not open", id="microphone gone"),
]


@pytest.mark.parametrize("opened_before", [False, True], ids=["at first", "again"])
@pytest.mark.parametrize(("make", "modality", "good", "bad", "words"), REFUSED_AT_FIRST)
def test_what_cannot_be_used_is_refused_at_first_and_again(
    monkeypatch, make, modality, good, bad, words, opened_before
):
    streams = [good(), bad(), good()] if opened_before else [bad(), good()]
    connection, channel = connection_of(make(monkeypatch, streams), modality)
    with pytest.raises(MoodringError, match=words) as caught:
        poll_on(connection)
    assert "\n" not in str(caught.value)
    assert poll_until_chunk(connection).gap == opened_before, "what is right afterwards is taken"
    assert channel.ingest.ring.count


CHANGED = [
    pytest.param(SIGNAL, "skin", eeg_stream, lambda: eeg_stream(unit="volts"), "microvolts expected, volts", id="unit"),
    pytest.param(
        SIGNAL, "skin", eeg_stream, lambda: eeg_stream(("a",)), "skin stream .* 3 expected, 1", id="signal count"
    ),
    pytest.param(
        SIGNAL, "skin", eeg_stream, lambda: eeg_stream(rate_hz=10.0), "256.0 expected, 10.0", id="signal rate"
    ),
    pytest.param(
        EEG, "eeg", eeg_stream, lambda: eeg_stream(("Fp1", "Fp2")), "number of channels: 3 expected, 2", id="eeg count"
    ),
    pytest.param(
        EEG, "eeg", eeg_stream, lambda: eeg_stream(rate_hz=512.0), "rate in Hz: 256.0 expected, 512.0", id="eeg rate"
    ),
    pytest.param(
        EEG,
        "eeg",
        eeg_stream,
        lambda: eeg_stream(sample_format=pylsl.cf_double64),
        "float32 expected, double64",
        id="eeg format",
    ),
    pytest.param(
        EEG,
        "eeg",
        eeg_stream,
        lambda: eeg_stream(unit="volts"),
        "unit: 1 microvolts .* 1e.06 microvolts",
        id="eeg unit",
    ),
    pytest.param(
        EEG, "eeg", eeg_stream, lambda: eeg_stream(("Fp1", "C3", "Fp2")), "names: Fp1, Fp2, C3 expected", id="eeg names"
    ),
    pytest.param(AUDIO, "speech", audio_stream, lambda: audio_stream(2), "sample format: 1 x .* 2 x", id="audio count"),
    pytest.param(
        AUDIO, "speech", audio_stream, lambda: audio_stream(1, 8000.0), "at 16000 Hz .* at 8000 Hz", id="audio rate"
    ),
    pytest.param(
        AUDIO,
        "speech",
        audio_stream,
        lambda: audio_stream(1, 16000.0, pylsl.cf_int16),
        "float32 .* int16",
        id="audio format",
    ),
    pytest.param(
        VIDEO, "face", video_stream, lambda: video_stream(6, 4), "frame size: 6x4 expected, 4x6 came", id="video size"
    ),
    pytest.param(
        camera_source, "face", lambda: (24, 32), lambda: (32, 24), "frame size: 32x24 expected, 24x32", id="camera size"
    ),
]


@pytest.mark.parametrize(("make", "modality", "good", "other", "words"), CHANGED)
def test_a_source_that_comes_back_as_another_is_refused_until_it_is_as_it_was(
    monkeypatch, make, modality, good, other, words
):
    connection, channel = connection_of(make(monkeypatch, [good(), other(), good()]), modality)
    poll_until_chunk(connection)
    with pytest.raises(SourceUnfitError, match=words):
        poll_on(connection)
    count = channel.ingest.ring.count
    assert poll_until_chunk(connection).gap
    assert channel.ingest.ring.count >= count


def test_the_name_and_the_session_may_change():
    first = SourceInfo("eeg", "a", 1.0, (2,), "<f4", ("x", "y"), unit="u", sample_format="f")
    check_unchanged(
        first, SourceInfo("eeg", "b", 1.0, (2,), "<f4", ("x", "y"), origin="o", unit="u", sample_format="f")
    )


def test_a_gap_told_in_a_chunk_without_samples_comes_before_the_next():
    class Resampled:
        def __init__(self):
            stamps_s = 100.0 + np.arange(8) / 256
            self._chunks = [
                Chunk(np.ones((8, 1), np.float32), stamps_s, 100.1),
                Chunk(np.ones((0, 1), np.float32), np.empty(0), 100.2, True, 7),
                Chunk(np.ones((8, 1), np.float32), stamps_s + 0.2, 100.3),
            ]

        def open(self):
            return SourceInfo("speech", "device", 256.0, (1,), "<f4", ("audio",))

        def poll(self):
            return self._chunks.pop(0)

        def close(self):
            pass

    connection, channel = connection_of(Resampled(), "speech")
    assert not connection.poll().gap
    assert connection.poll() is None
    chunk = connection.poll()
    assert (chunk.gap, chunk.skipped) == (True, 7)
    assert channel.ingest.figures.skipped_samples == 7
