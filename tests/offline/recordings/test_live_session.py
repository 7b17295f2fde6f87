"""Folders of live sessions, whole and broken, and the joining of XDF parts."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import tomli_w

from moodring.configs.schema import session_folder as names
from moodring.models.io.stream_descriptions import StreamDescription
from moodring.models.io.xdf_writer import StreamData, write_xdf
from moodring.models.streaming.sources import Chunk, SourceInfo
from moodring.offline.recordings.live_session import read_samples
from moodring.offline.recordings.open import open_recording
from moodring.realtime.recorder.media import Sound

SESSION = {"version": 1, "name": "one", "participant": "P1", "origin": "live", "rest_s": 3.0}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for inner in (names.STREAMS_FOLDER, names.VIDEO_FOLDER):
        (tmp_path / inner).mkdir()
    (tmp_path / names.SESSION_FILE).write_text(tomli_w.dumps(SESSION))
    (tmp_path / names.CONFIG_FILE).touch()
    return tmp_path


def part(path: Path, first: int, stop: int, offset_s: float = 0.0, health: bool = False) -> None:
    """Write a part that holds samples number first..stop of an EEG stream, and a marker for each tenth."""
    number = np.arange(first, stop)
    labels = tuple(("channel", (("label", name), ("unit", "microvolts"))) for name in ("Fp1", "Fp2"))
    eeg = StreamDescription("amp", "EEG", 2, 100.0, "float32", "amp", (("channels", labels),))
    markers = StreamDescription("triggers", "Markers", 1, 0.0, "string", "t", ())
    streams = [
        StreamData(eeg, np.column_stack([number, -number]).astype(np.float32), number / 100 + offset_s),
        StreamData(markers, [str(n) for n in number[number % 10 == 0]], number[number % 10 == 0] / 100 + offset_s),
    ]
    if health:
        streams.append(
            StreamData(
                StreamDescription("x_health", "Markers", 1, 0.0, "string", "h", ()), ["eeg live"], number[:1] / 1
            )
        )
    write_xdf(path, streams)


def test_parts_that_overlap_or_follow_are_one_recording(folder: Path) -> None:
    streams = folder / names.STREAMS_FOLDER
    part(streams / "part-001.xdf", 0, 400, health=True)
    part(streams / "part-002.xdf", 350, 700, offset_s=0.0001)
    part(streams / "part-003.xdf", 750, 900)
    part(streams / "spare-001.xdf", 100, 800, offset_s=-0.0001)
    recording = open_recording(folder)
    assert recording.eeg is not None
    np.testing.assert_array_equal(recording.eeg.samples[:, 0], np.arange(900))
    assert np.all(np.diff(recording.eeg.stamps_s) > 0)
    assert recording.eeg.channel_names == ("Fp1", "Fp2")
    assert [marker.text for marker in recording.markers] == [str(n) for n in range(0, 900, 10)]


def test_a_part_that_holds_nothing_does_not_spoil_the_others(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    streams = folder / names.STREAMS_FOLDER
    part(streams / "part-001.xdf", 0, 100)
    (streams / "part-002.xdf").touch()
    (streams / "part-003.xdf").write_bytes(b"XDF:\x00\x01garbage")
    whole = (streams / "part-001.xdf").read_bytes()
    (streams / "part-004.xdf").write_bytes(whole[: len(whole) // 2])
    recording = open_recording(folder)
    assert recording.eeg is not None
    assert len(recording.eeg.stamps_s) == 100
    assert "part-002.xdf" in caplog.text


def test_what_the_engine_wrote_itself_comes_first(folder: Path) -> None:
    part(folder / names.STREAMS_FOLDER / "part-001.xdf", 0, 100)
    header = names.SamplesHeader(name="amp", rate_hz=100.0, channel_names=("A", "B", "C"))
    rows = np.zeros(50, np.dtype(names.row_layout(3)))
    rows["stamp_s"] = np.arange(50) / 100
    content = header.model_dump_json().encode() + b"\n" + rows.tobytes()
    (folder / names.STREAMS_FOLDER / names.SAMPLES_FILE).write_bytes(content)
    recording = open_recording(folder)
    assert recording.eeg is not None
    assert recording.eeg.channel_names == ("A", "B", "C")
    assert recording.t0_s == 0.0


def test_what_the_loudspeaker_played_comes_back_beside_the_microphone(folder: Path) -> None:
    rng = np.random.default_rng(0)
    written = {}
    for film, index in (
        (names.MICROPHONE_FILE, names.MICROPHONE_INDEX_FILE),
        (names.LOUDSPEAKER_FILE, names.LOUDSPEAKER_INDEX_FILE),
    ):
        info = SourceInfo("speech", film, 16_000.0, (1,), "<f4", ("audio",))
        sink = Sound(folder / names.VIDEO_FOLDER / film, folder / names.VIDEO_FOLDER / index, info)
        written[film] = rng.uniform(-0.5, 0.5, (16_000, 1)).astype(np.float32)
        sink.write(Chunk(written[film], 5.0 + np.arange(16_000) / 16_000, 6.0))
        sink.close()
    recording = open_recording(folder)
    assert recording.speech is not None
    assert recording.loudspeaker is not None
    np.testing.assert_allclose(recording.speech.samples, written[names.MICROPHONE_FILE], atol=2**-23)
    np.testing.assert_allclose(recording.loudspeaker.samples, written[names.LOUDSPEAKER_FILE], atol=2**-23)
    assert recording.loudspeaker.stamps_s[0] == 5.0


def test_the_loudspeaker_in_xdf_parts_stands_in_and_is_never_taken_for_the_microphone(folder: Path) -> None:
    # Both streams have the same name and type; only the config tells which is which, and the loudspeaker's is longer.
    query = {"name": "sound", "source_id": "mixer"}
    config = {"speech": {"stream": {"name": "sound", "source_id": "mic"}, "reference": {"stream": query}}}
    (folder / names.CONFIG_FILE).write_text(tomli_w.dumps(config))
    for number, begin_s in enumerate((5.0, 6.0), 1):
        streams = []
        for value, seconds, source_id in ((0.1, 0.75, "mic"), (0.2, 1.0, "mixer")):
            stamps_s = begin_s + np.arange(round(seconds * 16_000)) / 16_000
            about = StreamDescription("sound", "Audio", 1, 16_000.0, "float32", source_id, ())
            streams.append(StreamData(about, np.full((len(stamps_s), 1), value, np.float32), stamps_s))
        write_xdf(folder / names.STREAMS_FOLDER / f"part-00{number}.xdf", streams)
    recording = open_recording(folder)
    assert recording.speech is not None
    assert recording.loudspeaker is not None
    assert (len(recording.speech.samples), set(recording.speech.samples.ravel())) == (24_000, {np.float32(0.1)})
    assert (len(recording.loudspeaker.samples), set(recording.loudspeaker.samples.ravel())) == (
        32_000,
        {np.float32(0.2)},
    )


def test_a_session_that_ended_before_anything_came_opens(folder: Path) -> None:
    recording = open_recording(folder)
    assert recording.eeg is None
    assert recording.face is None
    assert recording.speech is None
    assert (recording.participant, recording.rest_s, recording.t0_s) == ("P1", 3.0, 0.0)


def test_a_film_without_index_and_an_index_without_film_are_left_out(folder: Path) -> None:
    video = folder / names.VIDEO_FOLDER
    (video / names.CAMERA_FILE).write_bytes(b"\x1a\x45\xdf\xa3")
    (video / names.MICROPHONE_INDEX_FILE).write_text(
        "# mic\n# rate_hz 16000.0\nfirst_sample,sample_count,stamp_s,x\n0,320,1.0,"
    )
    recording = open_recording(folder)
    assert recording.face is None
    assert recording.speech is None


def sound_of(folder: Path, seconds: float = 20.0) -> None:
    """Write a microphone and a loudspeaker of noise, and a config that names both."""
    rng = np.random.default_rng(0)
    count = round(seconds * 16_000)
    for film, index in (
        (names.MICROPHONE_FILE, names.MICROPHONE_INDEX_FILE),
        (names.LOUDSPEAKER_FILE, names.LOUDSPEAKER_INDEX_FILE),
    ):
        info = SourceInfo("speech", film, 16_000.0, (1,), "<f4", ("audio",))
        sink = Sound(folder / names.VIDEO_FOLDER / film, folder / names.VIDEO_FOLDER / index, info)
        values = rng.uniform(-0.5, 0.5, (count, 1)).astype(np.float32)
        for first in range(0, count, 1600):
            stamps_s = 5.0 + np.arange(first, min(first + 1600, count)) / 16_000
            sink.write(Chunk(values[first : first + 1600], stamps_s, 6.0))
        sink.close()
    config = {"speech": {"microphone": "default", "reference": {"stream": {"name": "mixer"}}}}
    (folder / names.CONFIG_FILE).write_text(tomli_w.dumps(config))
    part(folder / names.STREAMS_FOLDER / "part-001.xdf", 0, 100)


def test_a_whole_session_says_nothing(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    sound_of(folder)
    assert open_recording(folder).loudspeaker is not None
    assert caplog.messages == []


@pytest.mark.parametrize("film", [names.MICROPHONE_FILE, names.LOUDSPEAKER_FILE])
def test_sound_that_was_cut_is_one_line_with_its_seconds(
    folder: Path, film: str, caplog: pytest.LogCaptureFixture
) -> None:
    sound_of(folder)
    path = folder / names.VIDEO_FOLDER / film
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    recording = open_recording(folder)
    came = recording.speech if film == names.MICROPHONE_FILE else recording.loudspeaker
    assert came is not None
    seconds = len(came.samples) / 16_000
    assert 5 < seconds < 15
    assert caplog.messages == [f"'{path}' was cut: read {seconds:.1f} s of 20.0 s"]


def test_an_index_that_was_cut_is_one_line_too(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    sound_of(folder)
    path = folder / names.VIDEO_FOLDER / names.LOUDSPEAKER_INDEX_FILE
    path.write_text("\n".join(path.read_text().split("\n")[:100]) + "\n")
    recording = open_recording(folder)
    assert recording.loudspeaker is not None
    seconds = len(recording.loudspeaker.samples) / 16_000
    assert 0 < seconds < 19
    assert caplog.messages == [f"'{path}' was cut: read {seconds:.1f} s of the 20.0 s in loudspeaker.mkv"]


def test_what_the_config_names_and_the_folder_lacks_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    sound_of(folder)
    for file in (names.LOUDSPEAKER_FILE, names.LOUDSPEAKER_INDEX_FILE):
        (folder / names.VIDEO_FOLDER / file).unlink()
    shutil.rmtree(folder / names.STREAMS_FOLDER)
    assert open_recording(folder).loudspeaker is None
    assert caplog.messages == [
        f"'{folder}' recorded [speech.reference], but has no video/loudspeaker.mkv and no video/loudspeaker.csv; "
        "read without it",
        f"'{folder}' has no XDF part in streams/; read without markers and truth",
    ]


def test_eeg_that_ends_within_a_row_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    header = names.SamplesHeader(name="amp", rate_hz=100.0, channel_names=("A", "B"))
    rows = np.zeros(150, np.dtype(names.row_layout(2)))
    rows["stamp_s"] = np.arange(150) / 100
    path = folder / names.STREAMS_FOLDER / names.SAMPLES_FILE
    path.write_bytes(header.model_dump_json().encode() + b"\n" + rows.tobytes()[:-3])
    assert read_samples(path) is not None
    assert caplog.messages == [f"'{path}' ends within a row: it was cut; read 1.5 s of it"]
