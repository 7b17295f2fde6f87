"""FER2013 as it lies on the disk, with drawn faces whose mouths and brows tell the class."""

import csv
import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pillow

from moodring.models.contract import Image
from moodring.offline.datasets.faces.fer2013 import CLASSES, EMOTION_OF, EMOTIONS

HEADINGS = ("file", *EMOTIONS, "unknown", "NF")
_MOUTHS = {"angry": (10, 2), "disgust": (4, 8), "fear": (12, 6), "happy": (14, 9), "neutral": (8, 1), "sad": (6, 4),
           "surprise": (5, 10)}  # fmt: skip


def fer_face(name: str, number: int) -> Image:
    """A grey face of 48 pixels whose mouth tells its class; each number is another person."""
    rng = np.random.default_rng((CLASSES.index(name), number))
    face = _clouds(rng, 900.0, 110.0)
    face[: int(rng.integers(4, 10))] = rng.integers(20, 80)
    skin, x0 = int(rng.integers(140, 220)), 24 + int(rng.integers(-2, 3))
    cv2.ellipse(face, (x0, 25), (int(rng.integers(15, 20)), 21), 0, 0, 360, skin, -1)
    for x in (15, 32):
        cv2.circle(face, (x, 18), int(rng.integers(2, 4)), 25, -1)
    width, height = _MOUTHS[name]
    cv2.ellipse(face, (x0, 36), (width, height), 0, 0, 180 if name != "sad" else -180, 40, -1)
    shade = _clouds(rng, 250.0, 0.0, np.float64)
    return np.clip(face + shade + rng.normal(0, 4, face.shape), 0, 255).astype(np.uint8)


def _clouds(rng: np.random.Generator, spread: float, mean: float, kind: type = np.uint8) -> np.ndarray:
    """Soft light and dark places, by which one person's pictures differ from another's."""
    soft = cv2.GaussianBlur(rng.normal(0.0, spread, (48, 48)), (0, 0), 6)
    return (np.clip(soft + mean, 0, 255) if kind is np.uint8 else soft).astype(kind)


def png(face: Image) -> bytes:
    file = io.BytesIO()
    Pillow.fromarray(face).save(file, "png")
    return file.getvalue()


def votes_for(name: str) -> dict[str, int]:
    """Eight raters for the class, two for neutral; for neutral all ten."""
    votes = dict.fromkeys((*EMOTIONS, "unknown", "NF"), 0)
    votes[EMOTION_OF[name]] += 8
    votes["neutral"] += 2
    return votes


def write_fer(root: Path, train: int = 12, test: int = 4, zipped: bool = True) -> Path:
    """Write a set: so many pictures a class and part; a test picture copied into train, a train picture twice."""
    root.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, bytes] = {}
    rows: dict[str, dict[str, int]] = {}
    for part, first, count in (("train", 0, train), ("test", 1000, test)):
        for name in CLASSES:
            for number in range(count):
                file = f"{part}/{name}/{part}_{number}.png"
                pictures[file], rows[file] = png(fer_face(name, first + number)), votes_for(name)
    pictures["train/happy/copy_of_test.png"] = pictures["test/happy/test_0.png"]
    pictures["train/sad/twice.png"] = pictures["train/angry/train_0.png"]
    pictures["train/fear/empty.png"] = png(np.full((48, 48), 7, np.uint8))
    rows["train/happy/copy_of_test.png"] = votes_for("happy")
    rows["train/sad/twice.png"] = votes_for("sad")
    rows["train/fear/empty.png"] = {**dict.fromkeys(rows["test/sad/test_0.png"], 0), "NF": 10}
    with (root / "ferplus_votes.csv").open("w", newline="", encoding="utf-8") as table:
        writer = csv.DictWriter(table, HEADINGS)
        writer.writeheader()
        writer.writerows({"file": file, **votes} for file, votes in rows.items())
    for part in ("train", "test"):
        mine = {file: raw for file, raw in pictures.items() if file.startswith(part)}
        if zipped:
            with zipfile.ZipFile(root / f"fer2013_{part}.zip", "w") as archive:
                for file, raw in mine.items():
                    archive.writestr(file, raw)
        else:
            for file, raw in mine.items():
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (root / file).write_bytes(raw)
    return root
