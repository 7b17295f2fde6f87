"""The folder of a session, for this user alone: its BIDS-style path, and its metadata files."""

import json
import platform
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...configs.schema import session_folder as names
from ...configs.schema.errors import MoodringError
from ...configs.schema.live import LiveConfig
from ...configs.schema.load import toml_text
from ...models.io.files import PRIVATE_FILE, make_private_folder, write_file
from ...models.streaming.ingest.sources import SourceInfo
from ...models.streaming.summary import BundleName
from .enrolments import copy_enrolments

_PACKAGES = ("moodring", "numpy", "av", "pylsl", "opencv-python", "sounddevice", "torch")


def session_place(root: Path, config: LiveConfig, run: int) -> Path:
    """Return the path of a run: ``sub-P/ses-S/sub-P_ses-S_task-T_run-NN``."""
    about = config.session
    subject = f"sub-{names.folder_name(about.participant)}"
    session = f"ses-{names.plain_name(about.session)}"
    return root / subject / session / f"{subject}_{session}_task-{names.plain_name(about.task)}_run-{run:02}"


@dataclass
class SessionFolder:
    """A folder made for this session only.

    Attributes
    ----------
    path : Path
    session : SessionFile
        As last written.
    """

    path: Path
    session: names.SessionFile
    _versions: dict[str, Any]

    @classmethod
    def create(cls, root: Path, config: LiveConfig, bundles: Sequence[BundleName]) -> "SessionFolder":
        """Create the folder of the next run and its metadata files.

        Raises
        ------
        MoodringError
            The disk refuses.
        """
        try:
            path = _new_folder(root, config)
            # First these two: with them, a folder opens, whenever the engine dies.
            write_file(path / names.CONFIG_FILE, toml_text(config), mode=PRIVATE_FILE, fsync=True)
            about = config.session
            session = names.SessionFile(
                version=names.VERSION,
                name=path.name,
                participant=about.participant,
                origin="live",
                rest_s=config.decisions.rest_s,
                recorded_at=_now(),
                task=about.task,
                protocol=about.protocol or str(config.protocol.file or ""),
                consent=about.consent,
                age=about.age,
                sex=about.sex,
                handedness=about.handedness,
            )
            folder = cls(path, session, _versions(bundles))
            folder.update()
            for inner in (names.STREAMS_FOLDER, names.VIDEO_FOLDER):
                make_private_folder(path / inner)
            copy_enrolments(path, config)
            (path / names.NOTES_FILE).touch(PRIVATE_FILE)
            folder.write_versions(())
        except OSError as error:
            raise MoodringError(
                f"session folder cannot be made in '{root}' ({error.strerror or error}); give another folder for "
                "--record"
            ) from error
        return folder

    def update(self, **changes: Any) -> None:
        """Write ``session.toml`` anew with some of its values changed; raises OSError."""
        self.session = self.session.model_copy(update=changes)
        write_file(self.path / names.SESSION_FILE, toml_text(self.session), mode=PRIVATE_FILE, fsync=True)

    def remove(self) -> None:
        """Remove the folder, and those of its session and participant where nothing else is in them."""
        shutil.rmtree(self.path, ignore_errors=True)
        for parent in (self.path.parent, self.path.parent.parent):
            with suppress(OSError):
                parent.rmdir()

    def mark_ended(self, missing: Sequence[str] = ()) -> None:
        """Write the end of the session, and what never came of what the config names; raises OSError."""
        self.update(ended_at=_now(), missing_streams=list(missing))

    def write_versions(self, infos: Sequence[SourceInfo]) -> None:
        """Write ``versions.json`` with the sources that are there; raises OSError."""
        devices = [
            {
                "modality": info.modality,
                "name": info.name,
                "rate_hz": info.rate_hz,
                "shape": list(info.shape),
                "channel_names": list(info.channel_names),
                "delay_s": info.delay_s,
            }
            for info in infos
        ]
        text = json.dumps({**self._versions, "devices": devices}, indent=2)
        write_file(self.path / names.VERSIONS_FILE, text + "\n", mode=PRIVATE_FILE, fsync=True)


def _new_folder(root: Path, config: LiveConfig) -> Path:
    for run in range(1, 10_000):
        path = session_place(root, config, run)
        try:
            make_private_folder(path)
        except FileExistsError:
            if not path.is_dir():
                raise
            continue
        return path
    raise MoodringError(f"'{session_place(root, config, 1).parent}' is full of runs; give another session.session")


def _versions(bundles: Sequence[BundleName]) -> dict[str, Any]:
    return {
        "session_folder": names.VERSION,
        "python": platform.python_version(),
        "system": platform.platform(),
        **names.package_versions(*_PACKAGES),
        "bundles": [{"file": bundle.file, "sha256": bundle.sha256} for bundle in bundles],
    }


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
