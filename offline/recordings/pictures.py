"""Pictures from files, folders and zip archives, whoever made them: bounded in size, and never unpacked to the disk."""

import io
import os
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath

import cv2
import numpy as np
from PIL import Image as Pillow
from PIL import ImageOps, UnidentifiedImageError

from ...configs.schema.errors import MoodringError
from ...configs.schema.foreign_text import visible
from ...configs.schema.regular_files import read_regular
from ...models.contract import Image

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
MOST_FILE_BYTES = 200_000_000
MOST_PIXELS = 64_000_000
"""Of one picture: 8K has half of it."""
MOST_ARCHIVE_BYTES = 100_000_000_000
"""That the pictures of one archive may have together, unpacked."""
MOST_PICTURES = 1_000_000
"""In one folder or archive."""
_MB = 1e6


@dataclass(frozen=True)
class PictureFile:
    """A file that should hold a picture.

    Attributes
    ----------
    name : str
        Path as given; of what lies in a folder or an archive, the path in it.
    folder : str
        Name of the folder that it lies in, within what was given; empty at its top.
    read : callable
        Returns the file's content, at most :data:`MOST_FILE_BYTES`; raises MoodringError where it cannot be read.
    """

    name: str
    folder: str
    read: Callable[[], bytes]


@dataclass(frozen=True)
class Picture:
    """A decoded picture.

    Attributes
    ----------
    image : (height, width, 3) uint8
        BGR, upright, on white where it was transparent.
    notes : tuple of str
        What was done to it that its maker may not expect: "first of 3 pictures", "more than 8 bits reduced to 8" …
    """

    image: Image
    notes: tuple[str, ...] = ()


def pictures_in(path: Path) -> Iterator[PictureFile]:
    """Yield the picture files of a path, in the order of their names.

    Parameters
    ----------
    path : Path
        A picture; a folder with pictures at any depth (links to folders are not followed); or a zip archive.

    Raises
    ------
    MoodringError
        It is not there, no archive that can be read, or no picture is in it.
    """
    found = False
    files: Iterator[PictureFile]
    if path.is_dir():
        files = _in_folder(path)
    elif path.suffix.lower() == ".zip":
        files = _in_zip(path)
    else:
        files = iter((PictureFile(str(path), "", partial(_read_file, path, str(path))),))
    for number, file in enumerate(files):
        if number == MOST_PICTURES:
            raise MoodringError(f"'{path}' has more than {MOST_PICTURES} pictures, the most that are read; give parts")
        found = True
        yield file
    if not found:
        raise MoodringError(f"'{path}' holds no picture; pictures end in {', '.join(SUFFIXES)}")


def decode_picture(raw: bytes, name: str) -> Picture:
    """Decode a picture of any of the formats of :data:`SUFFIXES`.

    Parameters
    ----------
    raw : bytes
    name : str
        For messages.

    Raises
    ------
    MoodringError
        It is no picture, damaged, or has more than :data:`MOST_PIXELS` pixels.
    """
    notes: list[str] = []
    try:
        with warnings.catch_warnings():
            # Pillow's own bounds: ours is checked below before any pixel is decoded.
            warnings.simplefilter("ignore")
            with Pillow.open(io.BytesIO(raw)) as opened:
                if (pixels := opened.width * opened.height) > MOST_PIXELS:
                    raise MoodringError(
                        f"picture '{name}' has {pixels / 1e6:.0f} million pixels, at most {MOST_PIXELS / 1e6:.0f} "
                        "million are read; give a smaller one"
                    )
                if (frames := getattr(opened, "n_frames", 1)) > 1:
                    notes.append(f"first of {frames} pictures")
                image = _upright(opened, notes)
    except MoodringError:
        raise
    except UnidentifiedImageError:
        what = "is empty" if not raw else "is no picture that can be read"
        raise MoodringError(f"picture '{name}' {what}; give one of {', '.join(SUFFIXES)}") from None
    except Exception as error:  # decoders of damaged files raise nearly anything
        raise MoodringError(f"picture '{name}' is damaged ({_reason(error)}); copy it again") from None
    return Picture(image, tuple(notes))


def _upright(opened: Pillow.Image, notes: list[str]) -> Image:
    """Return the pixels of an opened picture as it is meant to be seen."""
    try:
        opened.load()
    except OSError as error:
        if "truncated" not in str(error):
            raise
        raise OSError("cut off") from None
    turned = ImageOps.exif_transpose(opened)
    if turned.mode in ("I;16", "I;16B", "I;16L", "I", "F"):
        notes.append("more than 8 bits reduced to 8")
        return _stretched(np.asarray(turned, np.float64))
    if turned.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in turned.info:
        turned = turned.convert("RGBA")
        white = Pillow.new("RGBA", turned.size, "white")
        turned = Pillow.alpha_composite(white, turned)
    if turned.mode == "CMYK":
        notes.append("inks (CMYK) turned into colours without a profile")
    grey = turned.mode in ("1", "L")
    pixels = np.asarray(turned.convert("L" if grey else "RGB"))
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR if grey else cv2.COLOR_RGB2BGR), np.uint8)


def _stretched(values: np.ndarray) -> Image:
    """Return grey values of more than 8 bits as BGR, from 0 to the largest number of its range."""
    if not np.isfinite(values).all():
        raise ValueError("grey values that are no finite numbers")
    highest = next((top for top in (1.0, 255.0, 65535.0) if values.max() <= top), float(values.max()))
    grey = np.clip(values / highest * 255.0, 0.0, 255.0).astype(np.uint8)
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def _in_folder(root: Path) -> Iterator[PictureFile]:
    for folder, inner, names in os.walk(root):
        inner.sort()
        for name in sorted(names):
            path = Path(folder) / name
            if path.suffix.lower() in SUFFIXES:
                inside = path.relative_to(root)
                yield PictureFile(str(path), inside.parent.name, partial(_read_file, path, str(path)))


def _in_zip(path: Path) -> Iterator[PictureFile]:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise MoodringError(f"archive '{path}' cannot be read ({_reason(error)}); copy it again") from None
    with archive:
        # An archive yields no more bytes of a member than its list claims, so the claims bound the work.
        if (claimed := sum(one.file_size for one in archive.infolist())) > MOST_ARCHIVE_BYTES:
            raise MoodringError(
                f"archive '{path}' would unpack to {claimed / 1e9:.0f} GB, at most {MOST_ARCHIVE_BYTES / 1e9:.0f} GB "
                "are read; give parts of it"
            )
        for member in sorted(archive.infolist(), key=lambda one: one.filename):
            # Nothing is unpacked, so a name such as '../x' only ever is a name: without what would lead elsewhere.
            parts = [
                part for part in PurePosixPath(member.filename.replace("\\", "/")).parts if part not in ("/", "..")
            ]
            inside = PurePosixPath(*parts)
            if member.is_dir() or inside.suffix.lower() not in SUFFIXES or "__MACOSX" in parts:
                continue
            name = visible(f"{path}/{inside}")
            yield PictureFile(name, visible(inside.parent.name), partial(_read_member, archive, member, name))


def _read_file(path: Path, name: str) -> bytes:
    try:
        return read_regular(path, MOST_FILE_BYTES)
    except OSError as error:
        raise MoodringError(f"picture '{name}' cannot be read: {error.strerror or error}; give another") from None


def _read_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> bytes:
    """Return the content of one file of an archive; what its header says of the size is not believed."""
    try:
        with archive.open(member) as file:
            raw = file.read(MOST_FILE_BYTES + 1)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        raise MoodringError(f"picture '{name}' cannot be read ({_reason(error)}); pack it again") from None
    if len(raw) > MOST_FILE_BYTES:
        raise MoodringError(f"picture '{name}' has more than {MOST_FILE_BYTES / _MB:.0f} MB; give a smaller one")
    return raw


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
