"""Follow every face of a film at once; pure, with explicit state. Faces are matched as in :mod:`~.tracking`."""

from collections.abc import Sequence
from dataclasses import dataclass

from ...contract import FaceBox
from .tracking import Track, TrackingRules, matched, missed, seen


@dataclass(frozen=True)
class Crowd:
    """State between moments: tracks that may go on, with the numbers of their people from 1; people so far."""

    tracks: tuple[tuple[int, Track], ...] = ()
    people: int = 0


def follow(
    state: Crowd, faces: Sequence[FaceBox], time_s: float, rules: TrackingRules
) -> tuple[tuple[int, ...], Crowd]:
    """Process the faces of one moment.

    Parameters
    ----------
    state : Crowd
    faces : sequence of FaceBox
    time_s : float
        Later than the moment before.
    rules : TrackingRules
        Of which overlap, distance, growth and ``hold_s`` count here.

    Returns
    -------
    people : tuple of int
        The number of each face, in their order. A face that comes back after ``hold_s`` is another person.
    state : Crowd
    """
    alive = [(number, one) for number, one in state.tracks if time_s - one.last_s <= rules.hold_s]
    pairs = matched([one for _, one in alive], faces, rules)
    goes_on: list[tuple[int, Track]] = []
    numbers: dict[int, int] = {}
    for number, one in alive:
        face = pairs.get(one)
        goes_on.append((number, missed(one) if face is None else seen(one, face, time_s)))
        if face is not None:
            numbers[next(i for i, other in enumerate(faces) if other is face)] = number
    people = state.people
    for index, face in enumerate(faces):
        if index not in numbers:
            people += 1
            numbers[index] = people
            goes_on.append((people, Track(face, face.width * face.height, time_s, time_s)))
    return tuple(numbers[index] for index in range(len(faces))), Crowd(tuple(goes_on), people)
