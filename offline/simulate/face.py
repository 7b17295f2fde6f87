"""Camera frames of a simulated face, drawn when they are read."""

import cv2
import numpy as np
from numpy.typing import NDArray

from ...models.contract import Image
from .difficulty import Difficulty
from .face_drawing import Pose, draw_features
from .face_plan import FacePlan
from .face_portrait import CANVAS, MIDDLE, UNIT, draw_appearance, paint_portrait
from .randomness import aspect_rng, ornstein_uhlenbeck

FRAME_RATE_HZ = 25.0
FRAME_SIDE = 192
_NOISE_SPARE = 64


class SimulatedFace:
    """Frames of one simulated face; each depends on the seed and its index only.

    Parameters
    ----------
    seed : int
    times_s : (n_frames,) float64
        Times of the frames from the session's start, ascending.
    plan : FacePlan
    mouth : (n_frames,) float64
        Opening of the mouth by speech, 0..1.
    difficulty : Difficulty

    Notes
    -----
    How expressed valence and arousal move the features follows Ekman and Friesen (1978) and, for the two dimensions,
    Russell (1997): lip corners and inner brows with valence; opening of eyes and mouth and height of brows with
    arousal; anger and sadness differ in whether the inner brows go down or up.
    """

    def __init__(
        self,
        seed: int,
        times_s: NDArray[np.float64],
        plan: FacePlan,
        mouth: NDArray[np.float64],
        difficulty: Difficulty,
    ) -> None:
        self._appearance = draw_appearance(seed)
        self._portrait = paint_portrait(self._appearance)
        self._intensity, self._valence, self._arousal = plan.expression_at(times_s)
        self._blink = plan.lids_at(times_s)
        self._mouth = difficulty.talk_mouth * mouth
        rng = aspect_rng(seed, "face")
        self._offset = np.concatenate([rng.normal(0.0, (6.0, 4.0)), rng.normal(0.0, (0.03, 0.02, 0.02))])
        self._drift = ornstein_uhlenbeck(rng, len(times_s), 6, FRAME_RATE_HZ, 3.0)
        self._tremor = ornstein_uhlenbeck(rng, len(times_s), 5, FRAME_RATE_HZ, 0.6) * difficulty.face_jitter
        self._brightness = 1.0 + 0.03 * ornstein_uhlenbeck(rng, len(times_s), 1, FRAME_RATE_HZ, 8.0)[:, 0]
        self._gaze = _saccades(rng, len(times_s))
        self._gain = difficulty.expression_arousal_gain
        bank = FRAME_SIDE + _NOISE_SPARE
        grain = 128.0 + difficulty.camera_noise * rng.standard_normal((bank, bank, 3), dtype=np.float32)
        self._grain = np.clip(np.round(grain), 0.0, 255.0).astype(np.uint8)
        self._grain_at = rng.integers(0, _NOISE_SPARE, (len(times_s), 2))

    def __len__(self) -> int:
        """Return the number of frames."""
        return len(self._intensity)

    def __getitem__(self, index: int, /) -> Image:
        """Draw one frame, ``(192, 192, 3)`` BGR uint8.

        Raises
        ------
        IndexError
            There is no such frame; negative indices are refused.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        pose = self._pose(index)
        to_units = np.array([[1.0 / UNIT, 0.0, -MIDDLE[0] / UNIT], [0.0, 1.0 / UNIT, -MIDDLE[1] / UNIT]])
        warp = pose.frame[:, :2] @ to_units
        warp[:, 2] += pose.frame[:, 2]
        canvas = cv2.warpAffine(
            self._portrait, warp, (CANVAS, CANVAS), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        draw_features(canvas, self._appearance, pose)
        small = cv2.resize(canvas, (FRAME_SIDE, FRAME_SIDE), interpolation=cv2.INTER_AREA)
        row, column = self._grain_at[index]
        grain = self._grain[row : row + FRAME_SIDE, column : column + FRAME_SIDE]
        return np.asarray(cv2.addWeighted(small, float(self._brightness[index]), grain, 1.0, -128.0), np.uint8)

    def intensity(self, index: int) -> float:
        """Return the intensity of a frame's expression, 0..1."""
        return float(self._intensity[index])

    def expressed(self, index: int) -> tuple[float, float]:
        """Return valence and arousal of a frame's expression; 0, 0 between expressions."""
        return float(self._valence[index]), float(self._arousal[index])

    def _pose(self, index: int) -> Pose:
        """Return the pose of one frame."""
        strength = self._intensity[index]
        valence = strength * self._valence[index]
        arousal = strength * self._arousal[index] * self._gain
        drift, tremor = self._drift[index], self._tremor[index]
        roll = self._offset[2] + 0.03 * drift[2]
        scale = UNIT * (1.0 + self._offset[3] + 0.015 * drift[3])
        middle = np.array(MIDDLE) + self._offset[:2] + (4.0, 3.0) * drift[:2]
        turned = scale * np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
        return Pose(
            frame=np.concatenate([turned, middle[:, None]], axis=1),
            turn=float(self._offset[4] + 0.025 * drift[4]),
            nod=float(0.02 * drift[5]),
            smile=float(np.clip(valence + 0.3 * self._appearance.mouth_rest + tremor[0], -1.1, 1.1)),
            jaw=float(np.clip(0.55 * max(0.0, arousal) + self._mouth[index] + 0.3 * tremor[1], 0.0, 1.0)),
            brow=float(0.9 * arousal + tremor[2]),
            frown=float(np.clip(-0.9 * valence * (0.4 + 0.6 * np.sign(arousal)), -1.0, 1.0) + 0.7 * tremor[3]),
            lids=float(max(0.0, (1.0 + 0.45 * arousal + 0.5 * tremor[4]) * (1.0 - self._blink[index]))),
            gaze=(float(self._gaze[index, 0]), float(self._gaze[index, 1])),
        )


def _saccades(rng: np.random.Generator, n_frames: int) -> NDArray[np.float64]:
    """Draw gaze directions: fixations of about a second, ``(n_frames, 2)`` in face units."""
    n_jumps = max(1, n_frames // 20)
    jumps = np.sort(rng.integers(0, n_frames, n_jumps))
    places = rng.normal(0.0, (0.022, 0.010), (n_jumps + 1, 2))
    return np.asarray(places[np.searchsorted(jumps, np.arange(n_frames), side="right")])
