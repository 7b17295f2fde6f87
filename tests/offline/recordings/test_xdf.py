import logging
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import pyxdf

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import Signal, Video
from moodring.models.io.stream_descriptions import (
    ChannelFormat,
    SessionTimes,
    StreamDescription,
    describe_eeg,
    describe_face,
    describe_loudspeaker,
    describe_timeline,
)
from moodring.models.io.xdf_writer import StreamData, XdfWriter, write_xdf
from moodring.offline.recordings.xdf.as_recording import read_xdf

TIMES = SessionTimes("lab", "p01", 12.5, 0.25)


def eeg_stream(name: str = "amp", count: int = 3000, seed: int = 0, **desc: str) -> StreamData:
    random = np.random.default_rng(seed)
    samples = random.normal(-6000, 30, (count, 3)).astype(np.float32)
    stamps_s = 100.0 + np.cumsum(random.uniform(0.003, 0.005, count))
    description = describe_eeg(Signal(samples, stamps_s, 250.0, ("Fz", "Cz", "Pz"), name), name, name, TIMES)
    return StreamData(description, samples, stamps_s)


def plain(name: str, kind: str, channels: int, channel_format: ChannelFormat, **fields: str) -> StreamDescription:
    rows = tuple(("channel", tuple(fields.items())) for _ in range(channels))
    desc = (("channels", rows),) if fields else ()
    return StreamDescription(name, kind, channels, 100.0, channel_format, name, desc)


@pytest.mark.parametrize("channel_format", ["float32", "double64", "int64", "int32", "int16", "int8"])
def test_numbers_and_stamps_come_back_exactly(tmp_path: Path, channel_format: ChannelFormat) -> None:
    kinds = {"float32": np.float32, "double64": np.float64}
    dtype = np.dtype(kinds.get(channel_format, channel_format))
    random = np.random.default_rng(1)
    values = (random.normal(0, 40, (700, 5))).astype(dtype)
    stamps_s = 1e5 + np.cumsum(random.uniform(0.001, 0.03, 700))
    write_xdf(tmp_path / "a.xdf", [StreamData(plain("any", "Misc", 5, channel_format), values, stamps_s)])
    (stream,), _ = pyxdf.load_xdf(tmp_path / "a.xdf", dejitter_timestamps=False)
    np.testing.assert_array_equal(stream["time_series"], values)
    np.testing.assert_array_equal(stream["time_stamps"], stamps_s)
    assert stream["footer"]["info"]["sample_count"] == ["700"]


def test_texts_come_back_exactly(tmp_path: Path) -> None:
    texts = ["start", "", "größer <&> \n", "x" * 300]
    stamps_s = np.array([1.0, 1.5, 30.25, 31.0])
    write_xdf(tmp_path / "a.xdf", [StreamData(plain("words", "Markers", 1, "string"), texts, stamps_s)])
    (stream,), _ = pyxdf.load_xdf(tmp_path / "a.xdf", dejitter_timestamps=False)
    assert [row[0] for row in stream["time_series"]] == texts
    np.testing.assert_array_equal(stream["time_stamps"], stamps_s)


def test_clock_offsets_move_the_stamps(tmp_path: Path) -> None:
    with XdfWriter(tmp_path / "a.xdf") as writer:
        number = writer.stream(plain("far", "EEG", 1, "float32"))
        writer.clock_offset(number, 10.0, 500.0)
        writer.samples(number, np.ones((3, 1), np.float32), np.array([10.0, 10.1, 10.2]))
    recording = read_xdf(tmp_path / "a.xdf")
    assert recording.eeg is not None
    np.testing.assert_allclose(recording.eeg.stamps_s, [510.0, 510.1, 510.2], atol=1e-9)


def test_eeg_is_read_with_names_session_and_markers(tmp_path: Path) -> None:
    eeg = eeg_stream()
    marks = StreamData(plain("m", "Markers", 1, "string"), ["go"], np.array([103.0]))
    write_xdf(tmp_path / "a.xdf", [marks, eeg])
    recording = read_xdf(tmp_path / "a.xdf")
    assert recording.eeg is not None
    np.testing.assert_array_equal(recording.eeg.samples, eeg.values)
    np.testing.assert_array_equal(recording.eeg.stamps_s, eeg.stamps_s)
    assert recording.eeg.channel_names == ("Fz", "Cz", "Pz")
    assert (recording.origin, recording.participant, recording.rest_s) == ("lab", "p01", 12.5)
    assert recording.t0_s == pytest.approx(eeg.stamps_s[0] - 0.25, abs=1e-9)
    assert [(m.stamp_s, m.text) for m in recording.markers] == [(103.0, "go")]


@pytest.mark.parametrize(
    ("unit", "factor"), [("microvolts", 1), ("uV", 1), ("millivolts", 1e3), ("V", 1e6), ("-6", 1), ("furlongs", 1)]
)
def test_units_become_microvolts(tmp_path: Path, unit: str, factor: float) -> None:
    values = np.array([[0.5], [0.25]], np.float32)
    stream = StreamData(plain("amp", "EEG", 1, "float32", label="Fz", unit=unit), values, np.array([1.0, 1.01]))
    write_xdf(tmp_path / "a.xdf", [stream])
    recording = read_xdf(tmp_path / "a.xdf")
    assert recording.eeg is not None
    np.testing.assert_allclose(recording.eeg.samples, values * factor)


def test_channels_that_are_no_eeg_are_left_out(tmp_path: Path) -> None:
    rows = tuple(("channel", (("label", n), ("type", t))) for n, t in (("Fz", "EEG"), ("button", "TRIGGER")))
    description = StreamDescription("amp", "EEG", 2, 100.0, "int16", "amp", (("channels", rows),))
    values = np.array([[1, 9], [2, 9]], np.int16)
    write_xdf(tmp_path / "a.xdf", [StreamData(description, values, np.array([1.0, 1.01]))])
    recording = read_xdf(tmp_path / "a.xdf")
    assert recording.eeg is not None
    assert recording.eeg.channel_names == ("Fz",)
    np.testing.assert_array_equal(recording.eeg.samples, [[1], [2]])


def test_audio_is_brought_to_16_khz(tmp_path: Path) -> None:
    tone = (0.5 * 32767 * np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)).astype(np.int16)[:, np.newaxis]
    description = StreamDescription("mic", "Audio", 1, 8000.0, "int16", "mic", ())
    write_xdf(tmp_path / "a.xdf", [StreamData(description, tone, 50 + np.arange(8000) / 8000)])
    recording = read_xdf(tmp_path / "a.xdf")
    assert recording.eeg is None
    assert recording.speech is not None
    expected = 0.5 * np.sin(2 * np.pi * 440 * (recording.speech.stamps_s - 50))
    np.testing.assert_allclose(recording.speech.samples[500:-500, 0], expected[500:-500], atol=2e-3)


def test_what_a_loudspeaker_played_is_no_second_microphone(tmp_path: Path) -> None:
    stamps_s = 10.0 + np.arange(800) / 16_000
    samples = np.linspace(-1, 1, 800, dtype=np.float32)[:, np.newaxis]
    played = describe_loudspeaker(Signal(samples, stamps_s, 16_000.0, ("audio",), "mixer"), "mixer", "mixer", TIMES)
    voice = StreamData(replace(plain("voice", "Audio", 1, "float32"), rate_hz=16_000.0), 0 * samples, stamps_s)
    write_xdf(tmp_path / "a.xdf", [StreamData(played, samples, stamps_s + 2.0), voice])
    recording = read_xdf(tmp_path / "a.xdf")
    assert recording.speech is not None
    assert recording.loudspeaker is not None
    assert not recording.speech.samples.any()
    np.testing.assert_array_equal(recording.loudspeaker.samples, samples)
    np.testing.assert_allclose(recording.loudspeaker.stamps_s, stamps_s + 2.0, atol=1e-9)


def test_several_eeg_streams_are_named_until_one_is_chosen(tmp_path: Path) -> None:
    write_xdf(tmp_path / "a.xdf", [eeg_stream("left"), eeg_stream("right", seed=4)])
    with pytest.raises(MoodringError, match=r"2 EEG streams: 'left'.*'right'"):
        read_xdf(tmp_path / "a.xdf")
    recording = read_xdf(tmp_path / "a.xdf", eeg="right")
    assert recording.eeg is not None
    assert recording.eeg.name == "right"
    with pytest.raises(MoodringError, match="no EEG stream 'middle'"):
        read_xdf(tmp_path / "a.xdf", eeg="middle")


def test_no_eeg_and_no_audio_lists_what_is_there(tmp_path: Path) -> None:
    write_xdf(
        tmp_path / "a.xdf", [StreamData(plain("heart", "ECG", 1, "float32"), np.ones((2, 1)), np.array([1, 2.0]))]
    )
    with pytest.raises(MoodringError, match=r"no stream of type EEG or Audio.*'heart' \(type ECG, 2 samples\)"):
        read_xdf(tmp_path / "a.xdf")


def test_zero_channels_are_refused(tmp_path: Path) -> None:
    empty = StreamData(plain("amp", "EEG", 0, "float32"), np.zeros((3, 0), np.float32), np.array([1, 2, 3.0]))
    write_xdf(tmp_path / "a.xdf", [empty])
    with pytest.raises(MoodringError, match=r"'amp'.*zero channels"):
        read_xdf(tmp_path / "a.xdf")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an XDF file"),
        (b"RIFF0000WAVE", "not an XDF file"),
        (b"XDF:", "no streams"),
        (b"XDF:" + bytes(range(1, 200)), "damaged|no streams"),
        (b"\x1f\x8b nothing packed", "damaged|not an XDF"),
    ],
)
def test_foreign_files_give_one_line(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "a.xdf").write_bytes(content)
    with pytest.raises(MoodringError, match=words) as caught:
        read_xdf(tmp_path / "a.xdf")
    assert "\n" not in str(caught.value)


def test_missing_file_gives_one_line(tmp_path: Path) -> None:
    with pytest.raises(MoodringError, match="cannot be read"):
        read_xdf(tmp_path / "none.xdf")


@pytest.mark.parametrize("cut", [1, 2, 3, 5, 11, 4000, 20_000])
def test_a_cut_file_gives_what_is_whole(tmp_path: Path, cut: int, caplog: pytest.LogCaptureFixture) -> None:
    eeg = eeg_stream()
    path = tmp_path / "a.xdf"
    write_xdf(path, [eeg])
    path.write_bytes(path.read_bytes()[:-cut])
    with caplog.at_level(logging.WARNING):
        recording = read_xdf(path)
    assert recording.eeg is not None
    count = len(recording.eeg.stamps_s)
    assert 1000 < count <= 3000
    np.testing.assert_array_equal(recording.eeg.samples, np.asarray(eeg.values)[:count])
    np.testing.assert_array_equal(recording.eeg.stamps_s, eeg.stamps_s[:count])


def test_a_damaged_middle_is_left_out_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    eeg = eeg_stream()
    path = tmp_path / "a.xdf"
    write_xdf(path, [eeg])
    raw = bytearray(path.read_bytes())
    place = raw.index(struct.pack("<d", eeg.stamps_s[1300])) - 1  # where a sample says how long its stamp is
    chunk = raw.rindex(struct.pack("<H", 3), 0, place)
    raw[chunk + 6] = 9  # how many bytes say how many samples follow: never nine
    path.write_bytes(bytes(raw))
    with caplog.at_level(logging.WARNING):
        recording = read_xdf(path)
    assert "damaged" in caplog.text
    assert recording.eeg is not None
    kept = np.isin(eeg.stamps_s, recording.eeg.stamps_s)
    assert kept[0]
    assert kept[-1]
    assert not kept[1300]
    np.testing.assert_array_equal(recording.eeg.samples, np.asarray(eeg.values)[kept])


def test_a_chunk_that_claims_a_thousand_million_texts_is_not_believed(tmp_path: Path) -> None:
    eeg = eeg_stream(count=500)
    words = StreamData(plain("words", "Markers", 1, "string"), ["go"] * 5, eeg.stamps_s[:5])
    path = tmp_path / "a.xdf"
    write_xdf(path, [eeg, words])
    raw = bytearray(path.read_bytes())
    place = raw.index(struct.pack("<HIBI", 3, 2, 4, 5))
    raw[place + 7 : place + 11] = struct.pack("<I", 2**30)
    path.write_bytes(bytes(raw))
    recording = read_xdf(path)
    assert recording.eeg is not None
    np.testing.assert_array_equal(recording.eeg.samples, eeg.values)
    assert recording.markers == ()


def test_video_in_the_replays_layout_is_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (6, 4, 5, 3), dtype=np.uint8)
    stamps_s = 100.0 + np.arange(6) / 25
    face = describe_face(Video(pictures, stamps_s, 25.0, 4, 5, "camera"), "camera", "camera", TIMES)
    other = replace(face, name="screen")
    rows = pictures.reshape(6, -1).view(np.int8)
    write_xdf(tmp_path / "a.xdf", [eeg_stream(), StreamData(face, rows, stamps_s), StreamData(other, rows, stamps_s)])
    video = read_xdf(tmp_path / "a.xdf").face
    assert video is not None
    assert (video.height, video.width, video.rate_hz, video.name) == (4, 5, 25.0, "camera")
    np.testing.assert_array_equal([video.frames[index] for index in range(len(video.frames))], pictures)
    assert "video stream 'screen' is left out" in caplog.text


def test_a_recorded_replay_keeps_the_announced_t0(tmp_path: Path) -> None:
    eeg = eeg_stream()
    timeline = StreamData(describe_timeline("t", "t"), np.ones((3, 2), np.float32), np.full(3, 42.5))
    write_xdf(tmp_path / "a.xdf", [eeg, timeline])
    assert read_xdf(tmp_path / "a.xdf").t0_s == 42.5


@pytest.mark.data
def test_a_real_recording_is_read(data_dir: Path) -> None:
    recording = read_xdf(data_dir / "xdf" / "switch_example.xdf")
    assert recording.eeg is not None
    assert recording.eeg.samples.shape == (34320, 16)
    assert recording.eeg.channel_names[:3] == ("F3", "Fz", "F4")
    assert recording.eeg.rate_hz == 256.0
    assert -8000 < recording.eeg.samples[:, 0].mean() < -5000
    assert len(recording.markers) == 652


@pytest.mark.data
def test_real_clock_resets_stay_one_rising_timeline(data_dir: Path) -> None:
    recording = read_xdf(data_dir / "xdf" / "clock_resets.xdf")
    assert recording.eeg is not None
    assert (np.diff(recording.eeg.stamps_s) > 0).all()


@pytest.mark.data
def test_real_empty_streams_are_told(data_dir: Path) -> None:
    with pytest.raises(MoodringError, match="no stream of type EEG or Audio"):
        read_xdf(data_dir / "xdf" / "empty_streams.xdf")
