"""`moodring delete`: everything of one person goes, and nothing of anybody else; links lead nowhere."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from moodring.configs.schema import session_folder as names
from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.offline.erasure.find import find
from moodring.offline.erasure.remove import remove
from moodring.offline.export.export import export_session
from moodring.offline.report.report import write_report
from tests.support.session_records import write_record

SHORT = ("face", "speech")
NOTHING = {"x": np.zeros(1, np.float32)}


def place(root: Path, participant: str) -> Path:
    """Where a recorder puts a session of a participant."""
    subject = f"sub-{names.folder_name(participant)}"
    return root / subject / "ses-01" / f"{subject}_ses-01_task-films_run-02"


@pytest.fixture
def lab(fake_recording, tmp_path: Path) -> Path:
    """A folder with all that can be there of two people."""
    root = tmp_path / "lab"
    for participant in ("P 07", "P08"):
        folder = place(root, participant)
        folder.parent.mkdir(parents=True)
        write_record(folder, fake_recording(1.0), participant=participant, without=SHORT)
        export_session(folder, root / "bids", pictures=True, tell=str)
        write_report(folder, root / f"{names.folder_name(participant)}.html", pictures=False)
        save_file(NOTHING, root / f"mine-{participant}.safetensors",
                  {"moodring_bundle": f'{{"calibration": {{"participant": "{participant}"}}}}'})  # fmt: skip
        voice = root / f"voice-{participant}.safetensors"
        save_file({"v": np.full(3, len(participant), np.float32)}, voice, {"moodring_voices": "{}"})
        (folder / names.VOICES_FOLDER).mkdir()
        shutil.copy(voice, folder / names.VOICES_FOLDER / names.ENROLMENT_FILE)
    shutil.copy(root / "voice-P 07.safetensors", place(root, "P08") / names.VOICES_FOLDER / "other-1.safetensors")
    save_file(NOTHING, root / "P_07.safetensors", {"moodring_voices": "{}"})
    (root / "P 07.txt").write_text("not written by moodring")
    return root


def everything(root: Path) -> dict[str, int]:
    return {
        path.relative_to(root).as_posix(): path.lstat().st_size
        for path in root.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_all_of_one_person_goes_and_nothing_of_another(lab: Path) -> None:
    before = everything(lab)
    found = find(lab, "P 07")
    assert sorted((one.kind, one.path.relative_to(lab).as_posix()) for one in found.belongings) == [
        ("calibrated bundle", "mine-P 07.safetensors"),
        ("enrolment", "P_07.safetensors"),
        ("enrolment", "voice-P 07.safetensors"),
        ("export", "bids/derivatives/moodring/sub-P07"),
        ("export", "bids/sub-P07"),
        ("report", f"{names.folder_name('P 07')}.html"),
        ("session", place(Path(), "P 07").as_posix()),
    ]
    (left,) = found.left
    assert "other-1.safetensors" in left
    remove(lab, found)
    after = everything(lab)
    assert not [name for name in after if "P07" in name or "P_07" in name]
    assert not (lab / f"sub-{names.folder_name('P 07')}").exists()
    assert (lab / "bids" / "participants.tsv").read_text() == "participant_id\tname\nsub-P08\tP08\n"
    gone = set(before) - set(after)
    assert all(any(word in name for word in ("P07", "P_07", "P 07")) for name in gone)
    assert {name: size for name, size in before.items() if name not in gone and "participants.tsv" not in name} == {
        name: size for name, size in after.items() if "participants.tsv" not in name
    }
    assert (lab / "P 07.txt").exists()
    again = find(lab, "P 07")
    assert (again.belongings, again.datasets) == ((), ())


def test_links_are_not_followed(lab: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.copytree(place(lab, "P 07"), outside / "run")
    (outside / "precious.txt").write_text("keep me")
    kept = everything(outside)
    (lab / "linked").symlink_to(outside, target_is_directory=True)
    (place(lab, "P 07") / "video" / "elsewhere").symlink_to(outside, target_is_directory=True)
    (place(lab, "P 07") / "video" / "film.mkv").symlink_to(outside / "precious.txt")
    (lab / "voice-link.safetensors").symlink_to(lab / "voice-P 07.safetensors")
    found = find(lab, "P 07")
    assert not [one for one in found.belongings if "link" in one.path.name or outside in one.path.parents]
    remove(lab, found)
    assert everything(outside) == kept
    assert (lab / "linked").is_symlink()
    assert not place(lab, "P 07").exists()


def test_a_session_whose_file_is_damaged_is_known_by_its_config_or_folder(lab: Path) -> None:
    (place(lab, "P 07") / names.SESSION_FILE).write_text("participant = ")
    assert place(lab, "P 07") in [one.path for one in find(lab, "P 07").belongings]
    (place(lab, "P 07") / names.CONFIG_FILE).unlink()
    assert place(lab, "P 07") in [one.path for one in find(lab, "P 07").belongings]
    assert place(lab, "P 07") not in [one.path for one in find(lab, "P_07").belongings]


def test_a_session_that_is_being_recorded_stays(lab: Path) -> None:
    session = place(lab, "P 07")
    text = (session / names.SESSION_FILE).read_text()
    values = [line for line in text.splitlines() if not line.startswith("ended_at")]
    (session / names.SESSION_FILE).write_text("\n".join(values) + "\n")
    before = everything(lab)
    with pytest.raises(MoodringError, match="is being recorded now"):
        remove(lab, find(lab, "P 07"))
    assert everything(lab) == before
    for path in session.rglob("*"):
        os.utime(path, (1.7e9, 1.7e9))
    remove(lab, find(lab, "P 07"))
    assert not session.exists()


def test_what_a_killed_export_has_left_goes_too(lab: Path) -> None:
    staged = lab / "bids" / ".export-12ab34cd" / "sub-P07"
    staged.mkdir(parents=True)
    (staged / "half.eeg").write_bytes(b"1234")
    remove(lab, find(lab, "P 07"))
    assert not staged.parent.exists()


@pytest.mark.parametrize("name", ["", "  "])
def test_nobody_is_refused(lab: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="name a participant"):
        find(lab, name)


@pytest.mark.parametrize("name", ["..", "../..", "*", "sub-P_07", "P"])
def test_a_name_is_a_name_and_no_pattern(lab: Path, name: str) -> None:
    found = find(lab, name)
    assert (found.belongings, found.datasets) == ((), ())


def test_the_command(lab: Path, run) -> None:
    before = everything(lab)
    status, said, told = run("delete", "P 07", "--root", lab)
    assert status == 1
    assert "add --yes" in said
    assert "nothing was removed" in told
    assert f"session: {place(lab, 'P 07')}" in said
    assert everything(lab) == before
    status, _, told = run("delete", "P 7", "--root", lab)
    assert (status, "did you mean 'P 07'?" in told) == (1, True)
    status, said, _ = run("delete", "P 07", "--root", lab, "--yes")
    assert (status, "removed 7 of participant 'P 07'" in said) == (0, True)
    status, _, told = run("delete", "P 07", "--root", lab / "nowhere", "--yes")
    assert (status, "is no folder" in told) == (2, True)
