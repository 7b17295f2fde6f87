"""The example protocol with stimuli that are made on the spot, so that none of unclear licence ships."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import soundfile

from ....configs.schema.errors import ConfigError, MoodringError
from ....models.contract import FloatArray, Image
from ....models.io.files import write_file
from ....models.io.matroska import FilmWriter

EXAMPLE = Path(__file__).parents[3] / "configs" / "protocols" / "example.toml"
PROTOCOL_FILE = "protocol.toml"
_HEIGHT, _WIDTH = 480, 640
_FILM_S, _FPS = 6.0, 25.0
_SOUND_S, _SOUND_HZ = 6.0, 44_100


def write_example(folder: Path) -> Path:
    """Write the example and its stimuli into a new or empty folder, and return the protocol's path.

    Raises
    ------
    ConfigError
        Something is in the folder already.
    MoodringError
        The disk refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise ConfigError(f"'{folder}' is not empty; name a new folder for the example")
        for name, picture in (("calm_sea", _sea()), ("red_stripes", _stripes())):
            ok, packed = cv2.imencode(".png", picture)
            if not ok:
                raise MoodringError(f"picture '{name}' cannot be made")
            (folder / f"{name}.png").write_bytes(packed.tobytes())
        for name, turns_hz in (("slow_disc", 0.15), ("fast_disc", 1.2)):
            _write_film(folder / f"{name}.mkv", turns_hz)
        for name, sound in (("low_chord", _chord()), ("high_beeps", _beeps())):
            soundfile.write(str(folder / f"{name}.wav"), sound, _SOUND_HZ)
        write_file(folder / PROTOCOL_FILE, EXAMPLE.read_bytes())
    except OSError as error:
        raise MoodringError(f"the example cannot be written into '{folder}': {error.strerror or error}") from error
    return folder / PROTOCOL_FILE


def _sea() -> Image:
    """Return a sky over the sea."""
    y, x = np.mgrid[:_HEIGHT, :_WIDTH]
    sea = (y > _HEIGHT * 0.55) * (12 * np.sin(x / 40 + (y - _HEIGHT) ** 2 / 4000))
    fade = y / _HEIGHT
    return _picture(lambda: (235 - 60 * fade + sea, 190 - 90 * fade + sea, 150 - 120 * fade + sea))


def _stripes() -> Image:
    """Return red stripes that converge."""
    y, x = np.mgrid[:_HEIGHT, :_WIDTH]
    waves = np.sin(24 * np.arctan2(y - _HEIGHT / 2, x - _WIDTH / 2))
    return _picture(lambda: (20 + 20 * waves, 20 + 20 * waves, 150 + 100 * waves))


def _picture(bgr: Callable[[], tuple[FloatArray, FloatArray, FloatArray]]) -> Image:
    return np.clip(np.stack(bgr(), axis=-1), 0, 255).astype(np.uint8)


def _write_film(path: Path, turns_hz: float) -> None:
    """Write a disc that goes round."""
    with FilmWriter(path, _HEIGHT, _WIDTH, _FPS, "small") as film:
        for number in range(round(_FILM_S * _FPS)):
            at_s = number / _FPS
            angle = 2 * np.pi * turns_hz * at_s
            image = np.full((_HEIGHT, _WIDTH, 3), 40, np.uint8)
            centre = round(_WIDTH / 2 + 180 * np.cos(angle)), round(_HEIGHT / 2 + 130 * np.sin(angle))
            cv2.circle(image, centre, 46, (90, 200, 240), -1, cv2.LINE_AA)
            film.write(image[np.newaxis], np.array([at_s]), at_s)


def _chord() -> FloatArray:
    """Return a low chord that swells."""
    at_s = np.arange(round(_SOUND_S * _SOUND_HZ)) / _SOUND_HZ
    tones = sum(np.sin(2 * np.pi * hz * at_s) for hz in (110.0, 164.8, 220.0))
    return np.asarray(0.12 * tones * np.sin(np.pi * at_s / _SOUND_S), np.float32)


def _beeps() -> FloatArray:
    """Return high beeps, four a second."""
    at_s = np.arange(round(_SOUND_S * _SOUND_HZ)) / _SOUND_HZ
    on = np.clip(np.sin(2 * np.pi * 4 * at_s) * 8, 0, 1)
    return np.asarray(0.2 * on * np.sin(2 * np.pi * 1760 * at_s), np.float32)
