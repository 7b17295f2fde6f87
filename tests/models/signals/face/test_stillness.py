"""A picture of a face is told from a face by what keeps its place."""

import numpy as np
import pytest

from moodring.models.signals.face.stillness import LEAST_MOVEMENT, WATCHED_S, Stillness, watch

POINTS = np.array([(15.0, 18.0), (33.0, 18.0), (24.0, 28.0), (17.0, 36.0), (31.0, 36.0)])


def told(offset: float, seconds: float = 20.0, moves: bool = False) -> list[bool]:
    """Watch a face whose nose moves by an offset in distances of the eyes, and that moves as a whole if asked."""
    state, found = Stillness(), []
    for k in range(round(seconds * 8)):
        points = POINTS + ([5.0 * np.sin(k), 3.0] if moves else [0.0, 0.0])
        points[2, 1] += 18.0 * offset * (k % 2)
        still, state = watch(state, points, k / 8)
        found.append(still)
    return found


@pytest.mark.parametrize("moves", [False, True])
def test_a_picture_is_told_after_the_watch_even_if_it_is_carried_about(moves: bool) -> None:
    found = told(0.3 * LEAST_MOVEMENT, moves=moves)
    assert not any(found[: round(WATCHED_S * 8)])
    assert all(found[round(WATCHED_S * 8) + 2 :])


def test_a_face_that_moves_is_no_picture() -> None:
    assert not any(told(2.0 * LEAST_MOVEMENT))


def test_the_state_does_not_grow() -> None:
    state = Stillness()
    for k in range(2000):
        _, state = watch(state, POINTS, k / 8)
    assert len(state.times_s) <= WATCHED_S * 8 + 2
