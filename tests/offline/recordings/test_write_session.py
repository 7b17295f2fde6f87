import json
import re
import tomllib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.session_folder import folder_name
from moodring.models.contract import Arrivals, Recording
from moodring.offline.recordings.open import open_recording
from moodring.offline.recordings.read_session import read_session
from moodring.offline.recordings.write_session import write_session

Make = Callable[..., Recording]


@pytest.fixture(scope="module")
def written(fake_recording: Make, tmp_path_factory: pytest.TempPathFactory) -> tuple[Recording, Path]:
    recording = fake_recording(6.0, height=71, width=97)
    return recording, write_session(recording, tmp_path_factory.mktemp("sessions") / "one", task="rest")


def copied(written: tuple[Recording, Path], tmp_path: Path) -> Path:
    folder = tmp_path / "copy"
    for path in sorted(written[1].rglob("*")):
        target = folder / path.relative_to(written[1])
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.is_file():
            target.write_bytes(path.read_bytes())
    return folder


def test_signals_truth_and_markers_come_back_exactly(written: tuple[Recording, Path]) -> None:
    recording, folder = written
    again = open_recording(folder)
    assert (again.name, again.participant, again.origin) == (recording.name, recording.participant, recording.origin)
    assert (again.t0_s, again.rest_s, again.markers) == (recording.t0_s, recording.rest_s, recording.markers)
    assert again.eeg is not None
    assert recording.eeg is not None
    np.testing.assert_array_equal(again.eeg.samples, recording.eeg.samples)
    np.testing.assert_array_equal(again.eeg.stamps_s, recording.eeg.stamps_s)
    assert (again.eeg.channel_names, again.eeg.rate_hz) == (recording.eeg.channel_names, 256.0)
    assert again.truth is not None
    assert recording.truth is not None
    np.testing.assert_array_equal(again.truth.stamps_s, recording.truth.stamps_s)
    np.testing.assert_array_equal(again.truth.latents, recording.truth.latents)
    np.testing.assert_array_equal(again.truth.levels, recording.truth.levels)
    np.testing.assert_array_equal(again.truth.stimulus, recording.truth.stimulus)


def test_sound_comes_back_exactly_with_its_stamps(written: tuple[Recording, Path]) -> None:
    recording, folder = written
    again = read_session(folder)
    assert again.speech is not None
    assert recording.speech is not None
    np.testing.assert_array_equal(again.speech.samples, recording.speech.samples)
    np.testing.assert_array_equal(again.speech.stamps_s, recording.speech.stamps_s)


def test_what_the_loudspeaker_played_comes_back_beside_the_voice(fake_recording: Make, tmp_path: Path) -> None:
    recording = fake_recording(1.0)
    assert recording.speech is not None
    played = replace(recording.speech, samples=-recording.speech.samples, stamps_s=recording.speech.stamps_s + 0.3)
    for folder, voice in (("with", recording.speech), ("without", None)):
        whole = replace(recording, speech=voice, face=None, loudspeaker=played)
        again = open_recording(write_session(whole, tmp_path / folder))
        assert again.loudspeaker is not None
        np.testing.assert_array_equal(again.loudspeaker.samples, played.samples)
        np.testing.assert_array_equal(again.loudspeaker.stamps_s, played.stamps_s)
        assert (again.speech is None) == (voice is None)
    assert open_recording(write_session(recording, tmp_path / "quiet")).loudspeaker is None


def test_frames_come_back_near_and_their_stamps_exactly_in_any_order(written: tuple[Recording, Path]) -> None:
    recording, folder = written
    again = read_session(folder)
    assert again.face is not None
    assert recording.face is not None
    np.testing.assert_array_equal(again.face.stamps_s, recording.face.stamps_s)
    assert len(again.face.frames) == len(recording.face.frames)
    assert (again.face.height, again.face.width, again.face.rate_hz) == (71, 97, 25.0)
    for index in [*range(0, 150, 7), 149, 3, 148, 80, 80, 81, 0]:
        image, original = again.face.frames[index], recording.face.frames[index]
        error = np.mean((image.astype(np.float64) - original) ** 2)
        nearest = np.mean((image.astype(np.float64) - recording.face.frames[(index + 1) % 150]) ** 2)
        assert 10 * np.log10(255**2 / error) > 38
        assert error < nearest
    with pytest.raises(IndexError):
        again.face.frames[150]


def test_folder_says_what_it_is(written: tuple[Recording, Path]) -> None:
    _, folder = written
    session = tomllib.loads((folder / "session.toml").read_text(encoding="utf-8"))
    assert (session["version"], session["participant"], session["task"]) == (2, "p 01", "rest")
    versions = json.loads((folder / "versions.json").read_text(encoding="utf-8"))
    assert versions["numpy"] == np.__version__
    assert not list(folder.parent.glob("*.partial"))


@pytest.mark.parametrize("kept", ["eeg", "face", "speech"])
def test_any_modality_alone_can_be_written(fake_recording: Make, tmp_path: Path, kept: str) -> None:
    recording = fake_recording(1.0)
    absent = {kind: None for kind in ("eeg", "face", "speech") if kind != kept}
    alone = replace(recording, **absent, truth=None, markers=())  # type: ignore[arg-type]
    again = read_session(write_session(alone, tmp_path / kept))
    assert [kind for kind in ("eeg", "face", "speech") if getattr(again, kind) is not None] == [kept]


def test_awkward_texts_survive(fake_recording: Make, tmp_path: Path) -> None:
    text = 'Ä "quoted" \\ line\nbreak\ttab \x7f'
    recording = replace(fake_recording(0.5), participant=text, face=None, speech=None)
    assert read_session(write_session(recording, tmp_path / "a")).participant == text


def test_gaps_in_the_sound_keep_their_place(fake_recording: Make, tmp_path: Path) -> None:
    recording = fake_recording(1.0)
    assert recording.speech is not None
    stamps_s = recording.speech.stamps_s + np.where(np.arange(16_000) >= 7001, 0.4, 0.0)
    gapped = replace(recording, speech=replace(recording.speech, stamps_s=stamps_s))
    again = read_session(write_session(gapped, tmp_path / "a"))
    assert again.speech is not None
    np.testing.assert_array_equal(again.speech.stamps_s, stamps_s)


def test_nothing_is_overwritten(written: tuple[Recording, Path], fake_recording: Make) -> None:
    _recording, folder = written
    before = (folder / "session.toml").read_bytes()
    with pytest.raises(MoodringError, match="exists already"):
        write_session(fake_recording(0.5), folder)
    assert (folder / "session.toml").read_bytes() == before


def test_a_failure_leaves_no_half_a_folder(fake_recording: Make, tmp_path: Path) -> None:
    class Broken:
        def __len__(self) -> int:
            return 25

        def __getitem__(self, index: int, /) -> np.ndarray:
            raise MoodringError("the camera's file ends here")

    recording = fake_recording(1.0)
    assert recording.face is not None
    broken = replace(recording, face=replace(recording.face, frames=Broken()))
    with pytest.raises(MoodringError, match="ends here"):
        write_session(broken, tmp_path / "a")
    assert not list(tmp_path.iterdir())


def test_a_film_that_was_cut_is_told_or_skipped(written: tuple[Recording, Path], tmp_path: Path) -> None:
    folder = copied(written, tmp_path)
    film = folder / "video" / "camera.mkv"
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    with pytest.raises(MoodringError, match=r"camera\.mkv' was cut: read \d\.\d s of 6\.0 s") as caught:
        read_session(folder)
    assert "\n" not in str(caught.value)
    again = read_session(folder, missing="skip")
    assert again.face is not None
    assert again.speech is not None
    assert again.eeg is not None
    assert 20 < len(again.face.frames) < 140
    assert again.face.frames[len(again.face.stamps_s) - 1].shape == (71, 97, 3)
    assert len(again.speech.stamps_s) == len(again.speech.samples) > 16_000


def test_a_film_that_is_none_is_told_or_skipped(written: tuple[Recording, Path], tmp_path: Path) -> None:
    folder = copied(written, tmp_path)
    (folder / "video" / "camera.mkv").write_bytes(b"no film at all")
    with pytest.raises(MoodringError, match=r"camera\.mkv' cannot be read"):
        read_session(folder)
    again = read_session(folder, missing="skip")
    assert again.face is None
    assert again.speech is not None


def test_frames_and_stamps_that_differ_in_number_are_refused(fake_recording: Make, tmp_path: Path) -> None:
    recording = fake_recording(1.0)
    assert recording.face is not None
    odd = replace(recording, face=replace(recording.face, stamps_s=np.append(recording.face.stamps_s, 5002.0)))
    with pytest.raises(MoodringError, match="25 frames but 26 stamps"):
        write_session(odd, tmp_path / "a")


def test_a_missing_film_is_told_or_skipped(written: tuple[Recording, Path], tmp_path: Path) -> None:
    folder = copied(written, tmp_path)
    (folder / "video" / "camera.mkv").unlink()
    with pytest.raises(MoodringError, match=r"camera\.mkv' cannot be read"):
        read_session(folder)
    again = read_session(folder, missing="skip")
    assert again.face is None
    assert again.speech is not None
    assert again.eeg is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "'version' is missing"),
        ('version = 1\nname = "a"', "a session folder of version 1, and this version of moodring reads 2"),
        ("what is this", "not valid TOML"),
    ],
)
def test_a_foreign_session_file_gives_one_line(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "session.toml").write_text(content, encoding="utf-8")
    with pytest.raises(MoodringError, match=words) as caught:
        read_session(tmp_path)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_status == 1


def test_missing_streams_are_told(written: tuple[Recording, Path], tmp_path: Path) -> None:
    folder = copied(written, tmp_path)
    (folder / "streams" / "part-001.xdf").write_bytes(b"something else")
    with pytest.raises(MoodringError, match=r"part-001\.xdf' is not an XDF file"):
        read_session(folder)
    (folder / "streams" / "part-001.xdf").unlink()
    with pytest.raises(MoodringError, match="has no XDF file in streams/"):
        read_session(folder)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("p01", r"p01"),
        ("../../etc", r"etc-[0-9a-f]{6}"),
        ("a/b\\c:d", r"a_b_c_d-[0-9a-f]{6}"),
        ("", r"session"),
        ("...", r"session-[0-9a-f]{6}"),
        ("NUL", r"_NUL-[0-9a-f]{6}"),
        ("x" * 300, r"x{80}-[0-9a-f]{6}"),
    ],
)
def test_folder_names_stay_in_their_folder(text: str, name: str) -> None:
    assert re.fullmatch(name, folder_name(text))


def test_two_texts_never_share_a_folder() -> None:
    texts = ["session", "\u00d6", "\u65e5\u672c", "P 07", "P_07", "P/07", "NUL", "_NUL", "x" * 300, "x" * 301]
    assert len({folder_name(text).lower() for text in texts}) == len(texts)


def arrived(stop: list[int], rate_hz: float | None, delay_s: float | None) -> Arrivals:
    """Chunks that end at these samples, one with a gap before it, one after skipped samples."""
    count = len(stop)
    gap, skipped = np.arange(count) == 1, np.where(np.arange(count) == 2, 7, 0)
    return Arrivals(np.array(stop), 9000.0 + np.arange(count) * 0.1, gap, skipped, rate_hz, delay_s)


def test_how_samples_arrived_comes_back_with_stamps_that_fall(fake_recording: Make, tmp_path: Path) -> None:
    recording = fake_recording(0.4)
    assert recording.eeg is not None
    assert recording.face is not None
    assert recording.speech is not None
    rng = np.random.default_rng(0)
    eeg_s = recording.eeg.stamps_s.copy()
    eeg_s[40:] -= 1000.0
    eeg_s[70:] += 1e9
    eeg_s[80] = np.nan
    face_s = recording.face.stamps_s.copy()
    face_s[5:] += 33.3
    sound_s = recording.speech.stamps_s + rng.normal(0, 0.1, len(recording.speech.stamps_s))
    told = replace(
        recording,
        eeg=replace(recording.eeg, stamps_s=eeg_s, jitter_s=0.25, arrivals=arrived([8, 50, 60, 102], 256.0, None)),
        face=replace(recording.face, stamps_s=face_s, arrivals=arrived([1, 2, 5, 10], 25.0, 0.04)),
        speech=replace(recording.speech, stamps_s=sound_s, arrivals=arrived([320, 321, 3000, 6400], 16_000.0, 0.0)),
        signals={"heart": replace(recording.eeg, stamps_s=eeg_s, arrivals=arrived([2, 3, 4, 102], 256.0, 0.5))},
    )
    again = open_recording(write_session(told, tmp_path / "a"))
    pairs = [(getattr(again, kind), getattr(told, kind)) for kind in ("eeg", "face", "speech")]
    for came, expected in (*pairs, (again.signals["heart"], told.signals["heart"])):
        np.testing.assert_array_equal(came.stamps_s, expected.stamps_s)
        for field in ("stop", "received_s", "gap", "skipped"):
            np.testing.assert_array_equal(getattr(came.arrivals, field), getattr(expected.arrivals, field))
        assert (came.arrivals.rate_hz, came.arrivals.delay_s) == (expected.arrivals.rate_hz, expected.arrivals.delay_s)
    assert again.eeg is not None
    assert again.speech is not None
    np.testing.assert_array_equal(again.eeg.samples, recording.eeg.samples)
    np.testing.assert_array_equal(again.speech.samples, recording.speech.samples)
    assert again.eeg.jitter_s == 0.25
    np.testing.assert_array_equal(again.signals["heart"].samples, recording.eeg.samples)
    assert again.signals["heart"].channel_names == recording.eeg.channel_names
