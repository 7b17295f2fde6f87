"""What a BIDS data set holds of all its sessions: description, participants, and which run was recorded when."""

from pathlib import Path
from typing import Any

from ...configs.schema.errors import ConfigError, MoodringError
from ...configs.schema.regular_files import parse_json, read_regular
from ...configs.schema.session_folder import package_versions
from ...models.io.files import PRIVATE_FILE, make_private_folder, write_file
from .bids_names import BidsNames
from .tables import json_text, read_tsv, tsv_text

BIDS_VERSION = "1.10.0"
DESCRIPTION_FILE = "dataset_description.json"
PARTICIPANTS_FILE = "participants.tsv"
DERIVED = Path("derivatives", "moodring")
_PRODUCT = "moodring"
_README = """# Sessions recorded with moodring

EEG (BrainVision, microvolts as the amplifier sent them, neither filtered nor referenced) and events; ratings in
`beh/`. In `derivatives/moodring/`: the estimates that were made live (a row a decision, columns described beside them),
and the film of the session with its sound. All times count from the first sample of the EEG file.

Estimates are probabilistic readings of signals, not of minds. The films show the participants: share them only with
whom the participants agreed to.
"""


def check_dataset(root: Path) -> None:
    """Raise ConfigError where a folder holds anything but a data set that moodring exported."""
    if not root.exists():
        return
    if not root.is_dir():
        raise ConfigError(f"'{root}' is a file; name a folder for the data set")
    if any(not one.name.startswith(".export-") for one in root.iterdir()) and not is_exported(root):
        raise ConfigError(
            f"'{root}' holds other files, and no data set that moodring exported; name an empty or a new folder"
        )


def is_exported(root: Path) -> bool:
    """Return whether a folder is a data set that moodring exported."""
    try:
        values = parse_json(read_regular(root / DESCRIPTION_FILE, inside=root))
        return any(one.get("Name") == _PRODUCT for one in values["GeneratedBy"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def known_participants(root: Path) -> dict[str, str]:
    """Return the labels of the participants of a data set by their names in moodring."""
    return {row.get("name", ""): row["participant_id"].removeprefix("sub-") for row in _rows(root / PARTICIPANTS_FILE)}


def write_dataset_files(root: Path, name: str) -> None:
    """Write what describes the data set, where it is not there yet."""
    for folder, values in ((root, {"DatasetType": "raw"}), (root / DERIVED, {"DatasetType": "derivative"})):
        if not (folder / DESCRIPTION_FILE).exists():
            make_private_folder(folder, exist_ok=True)
            write_file(folder / DESCRIPTION_FILE, json_text(_description(name) | values), mode=PRIVATE_FILE)
    if not (root / "README.md").exists():
        write_file(root / "README.md", _README, mode=PRIVATE_FILE)
    if not (root / "participants.json").exists():
        text = "Participant as named in the sessions' session.toml"
        write_file(root / "participants.json", json_text({"name": {"Description": text}}), mode=PRIVATE_FILE)


def add_participant(root: Path, name: str, label: str) -> None:
    """Add a participant to ``participants.tsv``, where they are not there yet."""
    rows = _rows(root / PARTICIPANTS_FILE)
    if any(row["participant_id"] == f"sub-{label}" for row in rows):
        return
    rows.append({"participant_id": f"sub-{label}", "name": name})
    _write_rows(root / PARTICIPANTS_FILE, ("participant_id", "name"), rows)


def remove_participant(root: Path, label: str) -> None:
    """Take a participant out of ``participants.tsv``."""
    columns, _ = _table(root / PARTICIPANTS_FILE)
    kept = [row for row in _rows(root / PARTICIPANTS_FILE) if row["participant_id"] != f"sub-{label}"]
    _write_rows(root / PARTICIPANTS_FILE, tuple(columns), kept)


def add_scan(root: Path, names: BidsNames, file: Path, acquired: str | None) -> None:
    """Add a file, given within the folder of its sitting, to the sitting's ``scans.tsv``."""
    path = root / names.folder / f"{names.sitting}_scans.tsv"
    rows = [*_rows(path, "filename"), {"filename": file.as_posix(), "acq_time": acquired}]
    _write_rows(path, ("filename", "acq_time"), rows)


def _description(name: str) -> dict[str, Any]:
    version = package_versions(_PRODUCT)[_PRODUCT] or "unknown"
    return {
        "Name": name,
        "BIDSVersion": BIDS_VERSION,
        "GeneratedBy": [{"Name": _PRODUCT, "Version": version}],
    }


def _rows(path: Path, key: str = "participant_id") -> list[dict[str, Any]]:
    return [dict(row) for row in _table(path)[1] if row.get(key)]


def _table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    if not path.exists():
        return [], []
    try:
        return read_tsv(read_regular(path).decode())
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "is no UTF-8 text"
        raise MoodringError(f"'{path}' cannot be read ({reason}); mend it, or export into another folder") from None


def _write_rows(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    write_file(path, tsv_text(columns, rows), mode=PRIVATE_FILE)
