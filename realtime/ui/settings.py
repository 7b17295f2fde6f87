"""What the window remembers from one session to the next, in a file of the user's configuration."""

import os
from pathlib import Path

import platformdirs
from PyQt5.QtCore import QByteArray, QSettings

from .live.view import PASSBANDS, WINDOWS_S, EegChoice
from .theme import ThemeName

_FILE = "window.ini"


def settings_file() -> Path:
    """Return the file of the user's settings; ``MOODRING_SETTINGS`` names another."""
    named = os.environ.get("MOODRING_SETTINGS")
    return Path(named) if named else platformdirs.user_config_path("moodring", appauthor=False) / _FILE


class Settings:
    """The settings; a file that is missing, damaged or cannot be written is as good as an empty one.

    Parameters
    ----------
    path : Path or None
        None is :func:`settings_file`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._store = QSettings(str(path or settings_file()), QSettings.IniFormat)

    @property
    def theme(self) -> ThemeName:
        """The palette."""
        return "light" if self._store.value("theme") == "light" else "dark"

    @theme.setter
    def theme(self, name: ThemeName) -> None:
        self._store.setValue("theme", name)

    @property
    def closed(self) -> frozenset[str]:
        """The panels that the user has hidden."""
        return frozenset(filter(None, str(self._store.value("panels/closed") or "").split(",")))

    @closed.setter
    def closed(self, names: frozenset[str]) -> None:
        self._store.setValue("panels/closed", ",".join(sorted(names)))

    @property
    def eeg(self) -> EegChoice:
        """How the EEG is drawn; scale and channels belong to one stream and are not kept."""
        window_s, passband = self._number("eeg/window_s"), self._number("eeg/passband")
        return EegChoice(
            window_s=window_s if window_s in WINDOWS_S else EegChoice.window_s,
            passband=PASSBANDS[int(passband)] if passband is not None and 0 <= passband < len(PASSBANDS) else None,
            by_place=self._number("eeg/by_place") == 1.0,
        )

    @eeg.setter
    def eeg(self, choice: EegChoice) -> None:
        self._store.setValue("eeg/window_s", choice.window_s)
        self._store.setValue("eeg/passband", PASSBANDS.index(choice.passband))
        self._store.setValue("eeg/by_place", int(choice.by_place))

    def bytes_of(self, key: str) -> QByteArray | None:
        """Return a state that Qt made; None where there is none."""
        value = self._store.value(key)
        return value if isinstance(value, QByteArray) else None

    def keep_bytes(self, key: str, value: QByteArray) -> None:
        """Keep a state that Qt made."""
        self._store.setValue(key, value)

    def text_of(self, key: str) -> str:
        """Return a text; empty where there is none."""
        return str(self._store.value(key) or "")

    def keep_text(self, key: str, value: str) -> None:
        """Keep a text."""
        self._store.setValue(key, value)

    def forget(self, key: str) -> None:
        """Forget a value."""
        self._store.remove(key)

    def save(self) -> None:
        """Write the file now."""
        self._store.sync()

    def _number(self, key: str) -> float | None:
        try:
            return float(str(self._store.value(key)))
        except ValueError:
            return None
