"""Pictures of any make from files, folders and archives; what is none has one line, and nothing is unpacked."""

import io
import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from moodring.configs.schema.errors import MoodringError
from moodring.offline.recordings import pictures
from moodring.offline.recordings.pictures import decode_picture, pictures_in

COLOURS = np.zeros((40, 60, 3), np.uint8)
COLOURS[:20, :, 0], COLOURS[:, 30:, 2] = 200, 120


def encoded(image: Pillow.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def bgr(rgb: np.ndarray) -> np.ndarray:
    return rgb[:, :, ::-1]


@pytest.mark.parametrize("kind", ["png", "bmp", "tiff", "ppm", "gif", "webp", "jpeg"])
def test_every_format_gives_the_same_colours(kind: str) -> None:
    options = {"lossless": True} if kind == "webp" else {"quality": 95} if kind == "jpeg" else {}
    read = decode_picture(encoded(Pillow.fromarray(COLOURS), kind, **options), "x")
    assert read.image.shape == (40, 60, 3)
    assert np.abs(read.image.astype(int) - bgr(COLOURS))[5:15, 5:25].max() <= 3
    assert read.notes == ()


def test_grey_is_grey_and_transparent_lies_on_white() -> None:
    grey = np.arange(2400, dtype=np.uint8).reshape(40, 60)
    assert np.array_equal(decode_picture(encoded(Pillow.fromarray(grey), "png"), "x").image[:, :, 1], grey)
    clear = Pillow.fromarray(np.zeros((4, 4, 4), np.uint8))
    assert (decode_picture(encoded(clear, "png"), "x").image == 255).all()


def test_sixteen_bits_become_eight() -> None:
    deep = (np.linspace(0, 65535, 2400).reshape(40, 60)).astype(np.uint16)
    read = decode_picture(encoded(Pillow.fromarray(deep), "png"), "x")
    assert np.abs(read.image[:, :, 0].astype(int) - deep // 257).max() <= 1
    assert read.notes == ("more than 8 bits reduced to 8",)


def test_inks_are_turned_into_colours_and_it_says_so() -> None:
    read = decode_picture(encoded(Pillow.fromarray(COLOURS).convert("CMYK"), "jpeg", quality=95), "x")
    assert np.abs(read.image.astype(int) - bgr(COLOURS))[5:15, 5:25].max() <= 6
    assert "CMYK" in read.notes[0]


def test_a_picture_taken_sideways_stands_upright() -> None:
    turned = Pillow.fromarray(COLOURS).rotate(90, expand=True)
    exif = Pillow.Exif()
    exif[0x112] = 6
    assert np.array_equal(decode_picture(encoded(turned, "png", exif=exif), "x").image, bgr(COLOURS))


def test_of_an_animation_the_first_picture_is_read() -> None:
    first, other = Pillow.fromarray(COLOURS), Pillow.new("RGB", (60, 40), "white")
    read = decode_picture(encoded(first, "gif", save_all=True, append_images=[other, first]), "x")
    assert np.abs(read.image.astype(int) - bgr(COLOURS)).max() <= 3
    assert read.notes == ("first of 3 pictures",)


def test_what_is_no_picture_has_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encoded(Pillow.effect_noise((300, 300), 60), "jpeg")
    for raw, what in (
        (b"", "'x' is empty"),
        (b"hello" * 99, "'x' is no picture"),
        (whole[: len(whole) // 2], r"'x' is damaged \(cut off\)"),
    ):
        with pytest.raises(MoodringError, match=what):
            decode_picture(raw, "x")
    monkeypatch.setattr(pictures, "MOST_PIXELS", 1000)
    with pytest.raises(MoodringError, match=r"'x' has 0 million pixels, at most 0 million"):
        decode_picture(encoded(Pillow.fromarray(COLOURS), "png"), "x")


def test_damage_anywhere_gives_a_picture_or_one_line() -> None:
    rng = np.random.default_rng(0)
    for kind in ("png", "jpeg", "gif", "webp", "tiff", "bmp"):
        whole = encoded(Pillow.fromarray(COLOURS), kind)
        for _ in range(40):
            raw = bytearray(whole)
            for place in rng.integers(len(raw), size=6):
                raw[place] = int(rng.integers(256))
            with suppress(MoodringError):
                assert decode_picture(bytes(raw), "x").image.dtype == np.uint8


def test_a_folder_gives_its_pictures_with_the_folders_they_lie_in(tmp_path: Path) -> None:
    raw = encoded(Pillow.fromarray(COLOURS), "png")
    for name in ("sad/b.png", "sad/a.PNG", "deep/er/happy/c.png", "top.png", "sad/notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(raw)
    found = {Path(one.name).name: one for one in pictures_in(tmp_path)}
    assert {name: one.folder for name, one in found.items()} == {
        "a.PNG": "sad", "b.png": "sad", "c.png": "happy", "top.png": "",
    }  # fmt: skip
    assert all(one.read() == raw for one in found.values())


def test_names_in_an_archive_lead_nowhere_and_nothing_is_unpacked(tmp_path: Path) -> None:
    raw = encoded(Pillow.fromarray(COLOURS), "png")
    archive = tmp_path / "in" / "set.zip"
    archive.parent.mkdir()
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("../../happy/up.png", "/etc/sad/root.png", "..\\..\\angry\\back.png", "a\x1b[31m.png", "read.me"):
            file.writestr(name, raw)
    found = list(pictures_in(archive))
    assert sorted(one.name.removeprefix(f"{archive}/") for one in found) == [
        "a\\x1b[31m.png", "angry/back.png", "etc/sad/root.png", "happy/up.png",
    ]  # fmt: skip
    assert {one.folder for one in found} == {"happy", "sad", "angry", ""}
    assert len(list(tmp_path.rglob("*"))) == 2


def test_bombs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tmp_path / "bomb.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("a.png", b"\0" * 5_000_000)
        file.writestr("b.png", b"\0" * 100)
    monkeypatch.setattr(pictures, "MOST_FILE_BYTES", 1_000_000)
    reads = []
    for one in pictures_in(archive):
        try:
            reads.append(len(one.read()))
        except MoodringError as error:
            reads.append(str(error))
    assert reads == [f"picture '{archive}/a.png' has more than 1 MB; give a smaller one", 100]
    monkeypatch.setattr(pictures, "MOST_ARCHIVE_BYTES", 1_000_000)
    with pytest.raises(MoodringError, match="would unpack to"):
        list(pictures_in(archive))
    monkeypatch.setattr(pictures, "MOST_ARCHIVE_BYTES", 10**9)
    monkeypatch.setattr(pictures, "MOST_PICTURES", 1)
    with pytest.raises(MoodringError, match="more than 1 pictures"):
        list(pictures_in(archive))


def test_what_is_not_there_has_one_line(tmp_path: Path) -> None:
    (tmp_path / "junk.zip").write_bytes(b"PK\3\4 and no more")
    with pytest.raises(MoodringError, match=r"junk.zip' cannot be read"):
        list(pictures_in(tmp_path / "junk.zip"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(MoodringError, match="holds no picture"):
        list(pictures_in(tmp_path / "empty"))
    (gone,) = pictures_in(tmp_path / "gone.jpg")
    with pytest.raises(MoodringError, match=r"gone.jpg' cannot be read: No such file"):
        gone.read()
