"""A picture of a face is told from a face by what only trembles."""

import numpy as np
import pytest

from moodring.models.signals.face.stillness import WATCHED_S, Stillness, watch

POINTS = np.array([(15.0, 18.0), (33.0, 18.0), (24.0, 28.0), (17.0, 36.0), (31.0, 36.0)])


def told(noise_px: float, nod_px: float = 0.0, seconds: float = 20.0, carried: bool = False) -> list[bool]:
    """Watch a face whose points are found with noise, whose nose nods, and that moves as a whole if asked."""
    state, found, drawn = Stillness(), [], np.random.default_rng(0)
    for k in range(round(seconds * 8)):
        points = POINTS + drawn.normal(0.0, noise_px, POINTS.shape)
        points += [5.0 * np.sin(k / 3), 3.0] if carried else [0.0, 0.0]
        points[2, 1] += nod_px * np.sin(k / 8)
        still, state = watch(state, points, k / 8)
        found.append(still)
    return found


@pytest.mark.parametrize("noise_px", [0.0, 0.1, 0.5])
@pytest.mark.parametrize("carried", [False, True])
def test_a_picture_is_told_after_the_watch_whatever_the_noise_even_if_it_is_carried_about(
    noise_px: float, carried: bool
) -> None:
    found = told(noise_px, carried=carried)
    assert not any(found[: round(WATCHED_S * 8)])
    assert all(found[round(WATCHED_S * 8) + 2 :])


@pytest.mark.parametrize(("noise_px", "nod_px"), [(0.0, 0.5), (0.1, 0.5), (0.3, 2.0)])
def test_a_face_that_moves_is_no_picture(noise_px: float, nod_px: float) -> None:
    assert not any(told(noise_px, nod_px))


def test_the_state_does_not_grow() -> None:
    state = Stillness()
    for k in range(2000):
        _, state = watch(state, POINTS, k / 8)
    assert len(state.times_s) <= WATCHED_S * 8 + 2
