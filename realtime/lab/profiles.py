"""Device profiles of a lab: configs kept under a name, and the one that was used last."""

from pathlib import Path

import platformdirs

from ...configs.schema.errors import ConfigError, MoodringError
from ...configs.schema.live import LiveConfig
from ...configs.schema.load import load, toml_text
from ...configs.schema.session_folder import folder_name
from ...models.io.files import PRIVATE_FILE, make_private_folder, write_file

LAST = "last-session"
_SUFFIX = ".toml"


class Profiles:
    """The profiles in a folder, one TOML file each, which `moodring live` takes as well.

    Parameters
    ----------
    folder : Path or None
        None is that of the user's configuration.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or platformdirs.user_config_path("moodring", appauthor=False) / "profiles"

    def names(self) -> tuple[str, ...]:
        """Return the names of all profiles, the last session first."""
        found = sorted(path.stem for path in self.folder.glob(f"*{_SUFFIX}")) if self.folder.is_dir() else []
        return tuple(sorted(found, key=lambda name: name != folder_name(LAST)))

    def path(self, name: str) -> Path:
        """Return the file of a profile."""
        return self.folder / f"{folder_name(name)}{_SUFFIX}"

    def save(self, name: str, config: LiveConfig) -> Path:
        """Save a config under a name and return its file.

        Raises
        ------
        ConfigError
            It has no name.
        MoodringError
            The disk refuses.
        """
        if not name.strip():
            raise ConfigError("a profile needs a name, such as that of the lab or of the amplifier")
        path = self.path(name)
        try:
            make_private_folder(self.folder, exist_ok=True)
            write_file(path, toml_text(config), mode=PRIVATE_FILE)
        except OSError as error:
            raise MoodringError(f"profile '{path}' cannot be written ({error.strerror or error})") from error
        return path

    def load(self, name: str) -> LiveConfig:
        """Return the config of a profile; raise ConfigError where it is missing or damaged."""
        return load(self.path(name), LiveConfig)
