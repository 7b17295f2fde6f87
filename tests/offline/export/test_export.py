"""`moodring export`: what other programs read of a session, whole and broken."""

import csv
import json
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np
import pytest

from moodring.configs.schema import session_folder as names
from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.models.contract import Signal
from moodring.offline.export.export import export_session
from moodring.offline.recordings.media import read_media
from tests.support.session_records import MARKERS, write_record

DOCS = Path(__file__).parents[3] / "docs"
SECONDS = 4.0


def exported(folder: Path, root: Path, **options) -> list[str]:
    told: list[str] = []
    export_session(folder, root, pictures=options.get("pictures", True), tell=told.append)
    return told


@pytest.fixture(scope="module")
def session(fake_recording, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("recorded") / "run"
    return write_record(folder, fake_recording(SECONDS))


@pytest.fixture(scope="module")
def dataset(session: Path, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("bids") / "set"
    assert exported(session, root) == []
    return root


EEG = Path("sub-P07/ses-01/eeg/sub-P07_ses-01_task-films_run-02_eeg.vhdr")


def tsv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_the_bids_validator_passes(dataset: Path) -> None:
    beside = Path(sys.executable).with_name("bids-validator-deno")
    validator = str(beside) if beside.exists() else shutil.which("bids-validator-deno")
    if validator is None:
        pytest.skip("the BIDS validator is not installed: pip install bids-validator-deno (it is in the extra 'dev')")
    found = subprocess.run([validator, "--json", str(dataset)], capture_output=True, text=True, timeout=200)
    issues = json.loads(found.stdout)["issues"]["issues"]
    assert [one for one in issues if one["severity"] == "error"] == []
    told = {one["code"] for one in issues}
    # What a recording cannot know: authors, licence, make of the amplifier.
    assert told <= {"NO_AUTHORS", "TOO_FEW_AUTHORS", "JSON_KEY_RECOMMENDED", "SIDECAR_KEY_RECOMMENDED"}


def test_mne_reads_the_eeg_to_the_last_bit_with_its_markers(dataset: Path, session: Path, fake_recording) -> None:
    raw = mne.io.read_raw_brainvision(dataset / EEG, preload=True, verbose="error")
    recorded = fake_recording(SECONDS).eeg
    np.testing.assert_array_equal((raw.get_data().T * 1e6).astype(np.float32), recorded.samples)
    assert raw.ch_names == ["Fp1", "Fp2", "O1", "count"]
    assert raw.info["sfreq"] == 256.0
    marks = [(one["description"], one["onset"], one["duration"]) for one in raw.annotations]
    # The EEG's first sample is 1.3 ms after t0; a marker is in the row nearest to it.
    for at_s, text in MARKERS:
        onsets_s = np.array([onset_s for found, onset_s, _ in marks if found == f"Comment/{text}"])
        assert np.abs(onsets_s - (at_s - 0.0013)).min() <= 0.5 / 256 + 0.002, text
    (shown_s,) = (duration_s for text, _, duration_s in marks if text == "Comment/stimulus_beach")
    assert shown_s == pytest.approx(1.5, abs=1 / 256)
    assert "Comment/coughs <b>loudly</b>" in {text for text, _, _ in marks}


def test_the_documented_snippet_opens_a_session(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DOCS / "export.md").read_text()
    snippet = re.search(r"```python\n(?P<code>import mne.*?)```", text, re.DOTALL)
    assert snippet is not None
    assert len(list(filter(str.strip, snippet["code"].splitlines()))) == 5
    documented = re.search(r'"(?P<path>[^"]+\.vhdr)"', snippet["code"])
    assert documented is not None
    code = snippet["code"].replace(documented["path"], str(dataset / EEG))
    found: dict[str, object] = {}
    with mne.utils.use_log_level("error"):
        exec(code, found)
    assert list(found["epochs"]["Comment/stimulus_beach"].drop_bad().selection) == [0]
    assert list(found["epochs"]["Comment/stimulus_spider, big"].drop_bad().selection) == [1]


def test_events_and_ratings_are_tables(dataset: Path) -> None:
    rows = tsv(dataset / str(EEG).replace("eeg.vhdr", "events.tsv"))
    assert [row["value"] for row in rows if row["trial_type"] == "stimulus"] == [
        "stimulus_beach",
        "stimulus_spider, big",
    ]
    rating = next(row for row in rows if row["trial_type"] == "rating")
    assert (rating["valence"], rating["arousal"]) == ("7", "3")
    assert [row["value"] for row in rows if row["trial_type"] == "note"] == ["coughs <b>loudly</b>"]
    rest = next(row for row in rows if row["trial_type"] == "rest")
    assert float(rest["duration"]) == pytest.approx(1.0, abs=0.005)
    beach, spider = tsv(dataset / "sub-P07/ses-01/beh/sub-P07_ses-01_task-films_run-02_beh.tsv")
    assert (beach["stimulus"], beach["valence"], beach["dominance"], beach["keyword"]) == (
        "beach", "7", "5", "joy, or so")  # fmt: skip
    assert (spider["stimulus"], spider["arousal"], spider["keyword"]) == ("spider, big", "8", "n/a")
    assert float(spider["stimulus_duration"]) == pytest.approx(0.6, abs=0.005)


def test_estimates_are_on_the_axis_of_the_eeg_file(dataset: Path) -> None:
    stem = "derivatives/moodring/sub-P07/ses-01/sub-P07_ses-01_task-films_run-02_estimates"
    with (dataset / f"{stem}.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    described = json.loads((dataset / f"{stem}.json").read_text())
    assert list(rows[0]) == list(described)
    assert [float(row["session_time_s"]) for row in rows] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    for row in rows:
        assert float(row["time_s"]) == pytest.approx(float(row["session_time_s"]) - 0.0013, abs=0.002)
        assert float(row["latency_ms"]) == pytest.approx(50.0, abs=0.01)
    assert (rows[0]["valence"], rows[0]["valence_low"], rows[0]["valence_abstained"]) == ("", "", "too few electrodes")
    assert (rows[-1]["valence"], rows[-1]["valence_high"], rows[-1]["valence_kept"]) == ("high", "0.7", "medium|high")
    assert (rows[-1]["age_face_s"], rows[-1]["attention_theta"], rows[-1]["speech"]) == ("1.25", "0.5", "")


def test_all_that_is_exported_is_for_its_owner_alone(dataset: Path) -> None:
    for path in (dataset, *dataset.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
    assert not [path for path in dataset.rglob("*") if path.name.startswith(".export-")]


def test_sound_and_pictures_of_the_film_are_where_the_eeg_has_them(fake_recording, tmp_path: Path) -> None:
    recording = fake_recording(SECONDS)
    flash_s, t0_s = 2.0, recording.t0_s
    click = np.zeros((round(16_000 * SECONDS), 1), np.float32)
    at = np.argmin(np.abs(recording.speech.stamps_s - (t0_s + flash_s)))
    click[at : at + 160, 0] = 0.9 * np.sin(2 * np.pi * 1000 * np.arange(160) / 16_000)

    class Flash:
        def __len__(self) -> int:
            return len(recording.face.stamps_s)

        def __getitem__(self, index: int, /) -> np.ndarray:
            lit = recording.face.stamps_s[index] >= t0_s + flash_s
            return np.full((72, 96, 3), 230 if lit else 10, np.uint8)

    # The EEG begins half a second late: what was filmed before is before the film's begin.
    late = round(256 * 0.5)
    eeg = replace(recording.eeg, samples=recording.eeg.samples[late:], stamps_s=recording.eeg.stamps_s[late:])
    shown = replace(recording, eeg=eeg, face=replace(recording.face, frames=Flash()),
                    speech=replace(recording.speech, samples=click))  # fmt: skip
    folder = write_record(tmp_path / "run", shown)
    exported(folder, tmp_path / "bids")
    (path,) = (tmp_path / "bids").rglob("*_film.mp4")
    film = read_media(path)
    expected_s = flash_s - 0.5 - 0.0013
    lit = next(i for i in range(len(film.face.frames)) if film.face.frames[i].mean() > 120)
    assert film.face.stamps_s[lit] == pytest.approx(expected_s, abs=0.041)
    loud = int(np.argmax(np.abs(film.speech.samples[:, 0]) > 0.3))
    assert film.speech.stamps_s[loud] == pytest.approx(expected_s, abs=0.002)
    assert len(film.face.frames) == pytest.approx(3.5 * 25, abs=2)


def test_a_hole_is_marked_so_that_mne_leaves_it_out(fake_recording, tmp_path: Path) -> None:
    recording = fake_recording(SECONDS)
    kept = np.r_[0:400, 700:1024]
    eeg = replace(recording.eeg, samples=recording.eeg.samples[kept], stamps_s=recording.eeg.stamps_s[kept])
    folder = write_record(tmp_path / "run", replace(recording, eeg=eeg), without=("face", "speech"))
    exported(folder, tmp_path / "bids")
    raw = mne.io.read_raw_brainvision(tmp_path / "bids" / EEG, preload=True, verbose="error")
    hole = next(one for one in raw.annotations if one["description"].startswith("BAD_ACQ_SKIP"))
    assert (hole["onset"], hole["duration"]) == (400 / 256, 300 / 256)
    values = raw.get_data()[3] * 1e6
    assert (values[400:700] == 0).all()
    np.testing.assert_allclose(values[700:], np.arange(700, 1024), atol=1e-3)


@pytest.mark.parametrize(
    ("without", "there", "gone"),
    [
        (("eeg",), ["*_beh.tsv", "beh/*_events.tsv", "*_estimates.csv", "*_film.mp4"], ["*.vhdr"]),
        (("face",), ["*.vhdr", "*_film.mp4"], []),
        (("face", "speech"), ["*.vhdr", "*_estimates.csv"], ["*_film.mp4"]),
        (("journal", "log", "config"), ["*.vhdr", "*_film.mp4"], ["*_estimates.csv"]),
    ],
)
def test_what_a_session_lacks_is_left_out(
    fake_recording, tmp_path: Path, without: tuple[str, ...], there: list[str], gone: list[str]
) -> None:
    folder = write_record(tmp_path / "run", fake_recording(SECONDS), without=without)
    exported(folder, tmp_path / "bids")
    found = [str(path) for path in (tmp_path / "bids").rglob("*")]
    for pattern in there:
        assert any(Path(path).match(pattern) for path in found), pattern
    for pattern in gone:
        assert not any(Path(path).match(pattern) for path in found), pattern


def test_a_session_cut_in_the_middle_is_exported_up_to_there(session: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(session, tmp_path / "run")
    for path in (folder / names.STREAMS_FOLDER / "part-001.xdf", folder / names.VIDEO_FOLDER / names.CAMERA_FILE):
        raw = path.read_bytes()
        path.write_bytes(raw[: len(raw) * 2 // 3])
    journal = folder / names.DECISIONS_FILE
    journal.write_bytes(journal.read_bytes()[:-200])
    told = exported(folder, tmp_path / "bids")
    assert told
    assert all(line.startswith("note: ") for line in told)
    (estimates,) = (tmp_path / "bids").rglob("*_estimates.csv")
    assert len(estimates.read_text().splitlines()) == 1 + 5


def test_a_further_signal_is_physiology(fake_recording, tmp_path: Path) -> None:
    recording = fake_recording(SECONDS)
    stamps_s = recording.t0_s + 0.5 + np.arange(30) / 10
    skin = Signal(np.arange(30, dtype=np.float32)[:, np.newaxis], stamps_s, 10.0, ("microsiemens",), "electrode")
    folder = write_record(tmp_path / "run", replace(recording, signals={"skin": skin}), without=("face", "speech"))
    exported(folder, tmp_path / "bids")
    (facts,) = (tmp_path / "bids").rglob("*_recording-skin_physio.json")
    values = json.loads(facts.read_text())
    assert (values["SamplingFrequency"], values["Columns"]) == (10.0, ["microsiemens"])
    assert values["StartTime"] == pytest.approx(0.4987, abs=0.002)


def test_participants_of_one_label_stay_apart(fake_recording, tmp_path: Path) -> None:
    root = tmp_path / "bids"
    for number, participant in enumerate(("P 07", "P-07", "<script>", "参加者", "../../etc")):
        folder = write_record(
            tmp_path / f"run{number}", fake_recording(1.0), participant=participant, without=("face", "speech")
        )
        exported(folder, root)
    rows = tsv(root / "participants.tsv")
    assert [row["name"] for row in rows] == ["P 07", "P-07", "<script>", "参加者", "../../etc"]
    labels = [row["participant_id"] for row in rows]
    assert len(set(labels)) == 5
    assert labels[0] == "sub-P07"
    assert all(re.fullmatch("sub-[0-9A-Za-z]+", one) for one in labels)
    assert {path.name for path in root.glob("sub-*")} == set(labels)


def test_nothing_is_overwritten(session: Path, dataset: Path, tmp_path: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in dataset.rglob("*")}
    with pytest.raises(MoodringError, match="is there already"):
        exported(session, dataset)
    assert {path: path.stat().st_mtime_ns for path in dataset.rglob("*")} == before
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("all of it")
    with pytest.raises(ConfigError, match="holds other files"):
        exported(session, mine)
    with pytest.raises(ConfigError, match="stays as it is"):
        exported(session, session / "bids")
    assert sorted(one.name for one in mine.iterdir()) == ["thesis.txt"]


def test_a_disk_that_refuses_leaves_nothing(session: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from moodring.offline.export import bids_session

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bids_session, "write_film", refuse)
    with pytest.raises(MoodringError, match="No space left on device"):
        exported(session, tmp_path / "bids")
    assert list((tmp_path / "bids").rglob("*")) == []


def test_the_command(session: Path, tmp_path: Path, run) -> None:
    status, said, _ = run("export", session, "--out", tmp_path / "bids", "--no-pictures")
    assert status == 0
    assert "EEG of 4 channels, 4.0 s; 11 events; 2 ratings; 6 estimates; mp4 of sound, 4.0 s" in said
    status, _, told = run("export", session, tmp_path / "nowhere", "--out", tmp_path / "bids")
    assert status == 1
    assert "is there already" in told
    assert "is no session folder" in told
