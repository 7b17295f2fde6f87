"""Folders of live sessions, whole and broken: what is whole is read, what is missing is told."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema import session_folder as names
from moodring.configs.schema.live import EegSection, LiveConfig, ReferenceSection, SpeechSection, StreamQuery
from moodring.configs.schema.load import toml_text
from moodring.models.io.matroska import SoundWriter
from moodring.models.io.source_streams import RecordedSource, SourceChunk, SourceStreams
from moodring.models.io.stream_descriptions import StreamDescription
from moodring.models.io.xdf_writer import XdfWriter
from moodring.offline.recordings.open import open_recording
from tests.support.session_folders import without_checks

SESSION = names.SessionFile(version=names.VERSION, name="one", participant="P1", origin="live", rest_s=3.0)
RATE_HZ = 100.0
MARKERS = StreamDescription("triggers", "Markers", 1, 0.0, "string", "t", ())
HEALTH = StreamDescription("x_health", "Markers", 1, 0.0, "string", "h", ())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for inner in (names.STREAMS_FOLDER, names.VIDEO_FOLDER):
        (tmp_path / inner).mkdir()
    (tmp_path / names.SESSION_FILE).write_text(toml_text(SESSION))
    (tmp_path / names.CONFIG_FILE).write_text(toml_text(LiveConfig(eeg=EegSection(stream=StreamQuery(name="amp")))))
    return tmp_path


def part(folder: Path, number: int, first: int, stop: int) -> Path:
    """Write a part that holds samples number first..stop of an EEG in chunks of ten, and a marker for each tenth."""
    path = folder / names.STREAMS_FOLDER / names.PART_FILE.format(number)
    with XdfWriter(path) as writer:
        eeg = SourceStreams(writer, RecordedSource("eeg", "signal", "amp", RATE_HZ, ("Fp1", "Fp2")), first)
        markers, health = writer.stream(MARKERS), writer.stream(HEALTH)
        for begin in range(first, stop, 10):
            n = np.arange(begin, min(begin + 10, stop))
            values = np.column_stack([n, -n]).astype(np.float32)
            eeg.append(SourceChunk(n / RATE_HZ, begin / RATE_HZ + 0.2, values=values))
            eeg.write()
            writer.samples(markers, [str(begin)], np.array([begin / RATE_HZ]))
            writer.samples(health, ["eeg live"], np.array([begin / RATE_HZ]))
            writer.boundary()
    return path


def test_parts_that_overlap_are_one_recording(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    for number, (first, stop) in enumerate(((0, 400), (350, 370), (350, 700), (700, 900)), 1):
        part(folder, number, first, stop)
    recording = open_recording(folder)
    assert recording.eeg is not None
    assert recording.eeg.arrivals is not None
    np.testing.assert_array_equal(recording.eeg.samples[:, 0], np.arange(900))
    np.testing.assert_array_equal(recording.eeg.arrivals.stop, np.arange(10, 901, 10))
    np.testing.assert_array_equal(recording.eeg.arrivals.received_s, np.arange(0, 900, 10) / RATE_HZ + 0.2)
    assert (recording.eeg.channel_names, recording.eeg.name) == (("Fp1", "Fp2"), "amp")
    assert caplog.messages == []
    assert {marker.text for marker in recording.markers} == {str(n) for n in range(0, 900, 10)}


def test_a_part_that_holds_nothing_does_not_spoil_the_others(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = part(folder, 1, 0, 100).read_bytes()
    streams = folder / names.STREAMS_FOLDER
    (streams / "part-002.xdf").touch()
    (streams / "part-003.xdf").write_bytes(b"XDF:\x00\x01garbage")
    (streams / "part-004.xdf").write_bytes(whole[: len(whole) // 2])
    recording = open_recording(folder)
    assert recording.eeg is not None
    np.testing.assert_array_equal(recording.eeg.samples[:, 0], np.arange(100))
    assert "part-002.xdf" in caplog.text
    assert "part-003.xdf" in caplog.text


def test_a_session_that_ended_before_anything_came_opens(folder: Path) -> None:
    recording = open_recording(folder)
    assert (recording.eeg, recording.face, recording.speech) == (None, None, None)
    assert (recording.participant, recording.rest_s, recording.t0_s) == ("P1", 3.0, 0.0)


def sound_of(folder: Path, seconds: float = 20.0) -> dict[str, np.ndarray]:
    """Write a microphone and a loudspeaker of noise, and a config that names both."""
    rng = np.random.default_rng(0)
    written = {}
    with XdfWriter(folder / names.STREAMS_FOLDER / names.PART_FILE.format(1)) as writer:
        for key in ("speech", "loudspeaker"):
            # Both have the same name: only the key tells which is which.
            streams = SourceStreams(writer, RecordedSource(key, "sound", "sound", 16_000.0))
            written[key] = rng.uniform(-0.5, 0.5, round(seconds * 16_000)).astype(np.float32)
            with SoundWriter(folder / names.VIDEO_FOLDER / names.MEDIA_FILES[key], 16_000.0) as file:
                for first in range(0, len(written[key]), 1600):
                    stamps_s = 5.0 + np.arange(first, first + 1600) / 16_000
                    first_in_file = file.write(written[key][first : first + 1600])
                    streams.append(SourceChunk(stamps_s, float(stamps_s[-1]), first_in_file=first_in_file))
            streams.write()
    speech = SpeechSection(microphone="default", reference=ReferenceSection(stream=StreamQuery(name="mixer")))
    (folder / names.CONFIG_FILE).write_text(toml_text(LiveConfig(speech=speech)))
    return written


def test_what_the_loudspeaker_played_is_never_taken_for_the_microphone(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    written = sound_of(folder, 1.0)
    recording = open_recording(folder)
    assert recording.speech is not None
    assert recording.loudspeaker is not None
    np.testing.assert_array_equal(recording.speech.samples[:, 0], written["speech"])
    np.testing.assert_array_equal(recording.loudspeaker.samples[:, 0], written["loudspeaker"])
    assert recording.loudspeaker.stamps_s[0] == 5.0
    assert caplog.messages == []


@pytest.mark.parametrize("file", [names.MICROPHONE_FILE, names.LOUDSPEAKER_FILE])
def test_sound_that_was_cut_is_one_line_with_its_seconds(
    folder: Path, file: str, caplog: pytest.LogCaptureFixture
) -> None:
    sound_of(folder)
    path = folder / names.VIDEO_FOLDER / file
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    recording = open_recording(folder)
    came = recording.speech if file == names.MICROPHONE_FILE else recording.loudspeaker
    assert came is not None
    assert came.arrivals is not None
    assert came.arrivals.stop[-1] == len(came.samples)
    assert 9 < len(came.samples) / 16_000 < 11
    (line,) = caplog.messages
    assert line.startswith(f"'{path}' was cut: read ")
    assert line.endswith(" s of 20.0 s")


def test_what_the_config_names_and_the_folder_lacks_is_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    sound_of(folder, 1.0)
    (folder / names.VIDEO_FOLDER / names.LOUDSPEAKER_FILE).unlink()
    assert open_recording(folder).loudspeaker is None
    assert caplog.messages[-1] == (
        f"'{folder}' recorded [speech.reference], but has no video/loudspeaker.mkv; read without it"
    )
    caplog.clear()
    shutil.rmtree(folder / names.STREAMS_FOLDER)
    assert open_recording(folder).speech is None
    assert caplog.messages == [
        f"'{folder}' recorded [speech], but has no samples of it; read without it",
        f"'{folder}' recorded [speech.reference], but has no video/loudspeaker.mkv; read without it",
        f"'{folder}' has no XDF part in streams/; read without its streams",
    ]


def test_a_damaged_index_of_sound_is_left_out_and_told(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = folder / names.STREAMS_FOLDER / names.PART_FILE.format(1)
    sound_of(folder, 1.0)
    # The count of a block: a number that would make a session of years.
    raw = path.read_bytes()
    damaged = raw.replace(np.float64(320.0).tobytes(), np.float64(1e300).tobytes(), 1)
    path.write_bytes(without_checks(damaged))
    recording = open_recording(folder)
    assert recording.speech is None
    assert recording.loudspeaker is not None
    assert "speech is damaged and left out (a block has 1 to 320 samples)" in caplog.text
    path.write_bytes(damaged)
    recording = open_recording(folder)
    assert recording.speech is None, "its one chunk of blocks"
    assert recording.loudspeaker is not None
    assert "does not fit its check; 50 samples are missing" in caplog.text
