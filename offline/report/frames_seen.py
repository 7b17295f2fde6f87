"""Pictures of the frames that the model looked at."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ...configs.schema.errors import MoodringError
from ...models.contract import Estimate, Image, Look, Recording
from .charts import data_uri

MOST = 24
_HEIGHT_PX = 108
_APART_S = 0.1
_BOX_BGR = (0, 159, 230)


@dataclass(frozen=True)
class SeenFrame:
    """A frame that was looked at: when from t0, its expected gain, what became of the face, and its picture."""

    time_s: float
    gain: float | None
    face_state: str
    picture: str


def looks_of(estimates: Sequence[Estimate]) -> list[tuple[Look, float | None]]:
    """Return every look with its expected gain, in order of time."""
    found = []
    for one in estimates:
        gains = {round(frame.time_s, 4): frame.gain for frame in one.periphery}
        found += [(look, gains.get(round(look.time_s, 4))) for look in one.looks]
    return found


def chosen(looks: Sequence[tuple[Look, float | None]], most: int = MOST) -> list[tuple[Look, float | None]]:
    """Return some looks all over the session: of each stretch of time, the one with the largest expected gain."""
    if len(looks) <= most:
        return list(looks)
    first_s, last_s = looks[0][0].time_s, looks[-1][0].time_s
    best: dict[int, tuple[Look, float | None]] = {}
    for look, gain in looks:
        place = min(most - 1, int((look.time_s - first_s) / max(last_s - first_s, 1e-9) * most))
        before = best.get(place)
        if before is None or _worth(gain) > _worth(before[1]):
            best[place] = look, gain
    return list(best.values())


def _worth(gain: float | None) -> float:
    return -np.inf if gain is None else gain


def pictures_of(recording: Recording, looks: Sequence[tuple[Look, float | None]]) -> tuple[list[SeenFrame], str | None]:
    """Return the pictures of looks, in order of time; and why there are no more, where frames cannot be read."""
    face = recording.face
    if face is None or not len(face.stamps_s):
        return [], "no frames were recorded"
    found: list[SeenFrame] = []
    for look, gain in looks:
        index = int(np.abs(face.stamps_s - look.frame_stamp_s).argmin())
        if abs(float(face.stamps_s[index]) - look.frame_stamp_s) > _APART_S:
            continue
        try:
            image = face.frames[index]
        except MoodringError as error:
            return found, str(error)
        picture = data_uri(_thumbnail(image, look), ".jpg", "image/jpeg", cv2.IMWRITE_JPEG_QUALITY, 82)
        found.append(SeenFrame(look.time_s - recording.t0_s, gain, look.face_state or "", picture))
    return found, None


def _thumbnail(image: Image, look: Look) -> Image:
    share = _HEIGHT_PX * 2 / image.shape[0]
    small = cv2.resize(image, None, fx=share, fy=share, interpolation=cv2.INTER_AREA)
    if (face := look.face) is not None:
        corners = [round(v * share) for v in (face.x, face.y, face.x + face.width, face.y + face.height)]
        cv2.rectangle(small, (corners[0], corners[1]), (corners[2], corners[3]), _BOX_BGR, 2, cv2.LINE_AA)
    return np.asarray(small, np.uint8)
