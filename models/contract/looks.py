"""What was seen of the camera: the frames looked at, what the policy of looks went by, the faces read."""

from dataclasses import dataclass
from typing import Literal

from .arrays import FaceState
from .windows import FaceBox

LookReason = Literal["gain", "longest_wait", "search", "schedule", "every", "no_picture"]
"""What decided whether a frame was looked at: its expected gain against the price, the longest wait, the search for a
face while none is known, a schedule, a policy that looks at every frame, or that there was no picture."""


@dataclass(frozen=True)
class Look:
    """One camera frame that the video-EEG model looked at.

    Attributes
    ----------
    time_s : float
        On the 8 Hz grid.
    frame_stamp_s : float
        Of the frame.
    face : FaceBox or None
        The participant's, in pixels of that frame; None where it was not found or not used.
    waited_frames : int or None
        Frames of the grid since the look before, 1 or more; None for the first.
    face_state : FaceState or None
        Whether the participant's face was followed, or why no face was used.
    faces : int
        Faces found in the frame, in the region of the config where it names one.
    person : int or None
        Number of the person whose face is followed, from 1; None until one is chosen.
    """

    time_s: float
    frame_stamp_s: float
    face: FaceBox | None
    waited_frames: int | None = None
    face_state: FaceState | None = None
    faces: int = 0
    person: int | None = None


@dataclass(frozen=True)
class Periphery:
    """What the policy of looks went by at one frame of the 8 Hz grid: what costs next to nothing, looked at or not.

    Attributes
    ----------
    time_s : float
        On the grid.
    looked : bool
        Whether the frame was looked at.
    why : LookReason
        What decided it.
    waited_frames : int
        Frames of the grid since the look before, this one included.
    gain, price : float or None
        Expected gain of a look, in nats of later decisions, and what it must exceed; None where nothing was weighed.
    expression : float or None
        Probability that an expression can be seen; None with a policy that does not watch.
    motion, change : float or None
        Mean absolute difference of the face's standardised thumbnail to that of the frame before, and to the mean of
        the last four seconds; None while no face is known.
    theta : float or None
        Log power of midline theta above its mean of the last four seconds; None without EEG.
    """

    time_s: float
    looked: bool
    why: LookReason
    waited_frames: int
    gain: float | None = None
    price: float | None = None
    expression: float | None = None
    motion: float | None = None
    change: float | None = None
    theta: float | None = None


@dataclass(frozen=True)
class FaceReading:
    """One camera frame that the face-expression network was given.

    Attributes
    ----------
    time_s : float
        On the 8 Hz grid.
    frame_stamp_s : float
        Of the frame.
    face : FaceBox or None
        The participant's, in pixels of that frame; None where it was not found or not followed.
    face_state : FaceState
    faces : int
        Faces found in the frame, in the region of the config where it names one; where some move, without those that
        are still as a picture.
    person : int or None
        Number of the person whose face is followed, from 1; None until one is chosen.
    eyes_px : float or None
        Distance of the eyes in the frame.
    turned : float or None
        How far the nose is off the middle between the eyes, relative to their distance; negative to the left of the
        picture.
    doubts : tuple of str
        Why the frame counts for nothing: "small", "turned", "flat", "blurred", "covered" (the mouth), "still" (as a
        picture of a face), "sideways", "upside down"; empty where it counts.
    """

    time_s: float
    frame_stamp_s: float
    face: FaceBox | None
    face_state: FaceState
    faces: int
    person: int | None
    eyes_px: float | None = None
    turned: float | None = None
    doubts: tuple[str, ...] = ()
