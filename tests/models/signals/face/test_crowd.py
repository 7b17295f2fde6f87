"""Every face of a film is followed under a number of its own."""

from moodring.models.contract import FaceBox
from moodring.models.signals.face.crowd import Crowd, follow
from moodring.models.signals.face.tracking import TrackingRules

RULES = TrackingRules(hold_s=3.0)


def box(x: float, side: float = 30.0) -> FaceBox:
    return FaceBox(x, 10.0, side, side, 0.9)


def numbers(script: dict[float, tuple[FaceBox, ...]]) -> dict[float, tuple[int, ...]]:
    state, told = Crowd(), {}
    for at_s, faces in script.items():
        told[at_s], state = follow(state, faces, at_s, RULES)
    return told


def test_two_people_keep_their_numbers_in_whatever_order_they_are_found() -> None:
    told = numbers({0.0: (box(10), box(100)), 0.1: (box(102), box(12)), 0.2: (box(15), box(105))})
    assert told == {0.0: (1, 2), 0.1: (2, 1), 0.2: (1, 2)}


def test_a_face_that_is_away_for_a_while_keeps_its_number_and_for_long_gets_another() -> None:
    told = numbers({0.0: (box(10),), 1.0: (), 2.0: (box(12),), 6.0: (box(12),)})
    assert told == {0.0: (1,), 1.0: (), 2.0: (1,), 6.0: (2,)}


def test_a_face_of_another_size_is_another_person() -> None:
    assert numbers({0.0: (box(10),), 0.1: (box(10, 120.0),)}) == {0.0: (1,), 0.1: (2,)}


def test_forty_faces_are_forty_people() -> None:
    crowd = tuple(box(40.0 * k) for k in range(40))
    told = numbers({0.0: crowd, 0.1: crowd[::-1]})
    assert told[0.0] == tuple(range(1, 41))
    assert told[0.1] == tuple(range(40, 0, -1))
