"""Watch every face of a camera or a film over time: who is who, what keeps as still as a picture, what lies."""

from collections.abc import Sequence

from ...contract import Image
from .crowd import Crowd, follow
from .detection import FoundFace
from .orientation import CHECKED_EVERY_S, Lying, OrientationCheck, watch_orientation
from .stillness import Stillness, watch
from .tracking import TrackingRules


class FaceWatch:
    """What time tells of faces that a single frame does not.

    Parameters
    ----------
    check : OrientationCheck
    rules : TrackingRules
        By which a face is known again.
    """

    def __init__(self, check: OrientationCheck, rules: TrackingRules | None = None) -> None:
        self._check, self._rules = check, rules or TrackingRules()
        self._crowd = Crowd()
        self._stillness: dict[int, Stillness] = {}
        self._still: dict[int, bool] = {}
        self._lying: dict[int, Lying] = {}
        self._empty = Lying()

    def see(self, faces: Sequence[FoundFace], time_s: float) -> tuple[int, ...]:
        """Process the faces of a moment, later than the one before; return the number of each, from 1."""
        numbers, self._crowd = follow(self._crowd, [face.box for face in faces], time_s, self._rules)
        for number, face in zip(numbers, faces, strict=True):
            before = self._stillness.get(number, Stillness())
            self._still[number], self._stillness[number] = watch(before, face.points, time_s)
        followed = {number for number, _ in self._crowd.tracks}
        for memory in (self._stillness, self._still, self._lying):
            for number in memory.keys() - followed:
                del memory[number]
        return numbers

    def still(self, number: int) -> bool:
        """Return whether a face has kept as still as a picture."""
        return self._still[number]

    def doubts(self, number: int, image: Image, face: FoundFace, time_s: float) -> tuple[str, ...]:
        """Return reasons to trust what a face shows less: "still", "sideways", "upside down"."""
        lying = watch_orientation(self._lying.get(number, Lying()), self._check, image, face.box, time_s)
        self._lying[number] = lying
        return (*(("still",) if self._still[number] else ()), *(() if lying.lie is None else (lying.lie,)))

    def without_faces(self, image: Image, time_s: float) -> str | None:
        """Return how a face lies in a frame in which none was found: "sideways", "upside down", or None."""
        if self._empty.checked_s is None or time_s >= self._empty.checked_s + CHECKED_EVERY_S - 1e-6:
            self._empty = Lying(self._check.of_frame(image), time_s)
        return self._empty.lie
