"""Simulated listeners: who responds, when, and with which topography."""

from dataclasses import replace

import numpy as np
import pytest

from moodring.offline.simulate.listeners import (
    EMOTIONS,
    ListeningDesign,
    SimulatedListening,
    haemodynamic_response,
    simulate_listening,
)

LOUD = ListeningDesign(
    listeners=6, silent=2, contrary=1, utterances=(40, 40, 40, 40), emotion=3.0, other=0.1, private=0.1, drift=0.1,
    noise=0.3,
)  # fmt: skip


@pytest.fixture(scope="module")
def listening() -> SimulatedListening:
    return simulate_listening(7, LOUD)


def _patterns(one: SimulatedListening, listener: int, blocks: tuple[int, ...]) -> np.ndarray:
    """Return the mean response after each emotion in some blocks, less the mean of all."""
    images, events = one.scans.images[listener], [event for event in one.events if event.block in blocks]
    after = np.stack([images[round(event.onset_s) + 5 : round(event.onset_s) + 10].mean(axis=0) for event in events])
    labels = np.array([event.label for event in events])
    return np.stack([after[labels == k].mean(axis=0) for k in range(len(EMOTIONS))]) - after.mean(axis=0)


def _similar(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.corrcoef(a.ravel(), b.ravel())[0, 1])


def test_the_haemodynamic_response_peaks_after_five_seconds_and_falls_below_zero() -> None:
    response = haemodynamic_response(0.1)
    assert 4.5 <= 0.1 * response.argmax() <= 5.5
    assert response.sum() == pytest.approx(1.0)
    assert response[150:250].max() < 0.0


def test_the_design_of_the_paper_is_simulated() -> None:
    one = simulate_listening(1)
    assert len(one.scans.listeners) == 18
    assert np.bincount([event.label for event in one.events]).tolist() == [33, 79, 69, 70]
    minutes = np.bincount(one.scans.runs) / 60
    assert len(minutes) == 6
    assert np.all((minutes > 4.0) & (minutes < 6.0))
    assert (~one.responds).sum() == 7


def test_who_responds_does_so_alike_in_all_blocks_and_the_silent_do_not(listening: SimulatedListening) -> None:
    halves = [(0, 2, 4), (1, 3, 5)]
    for listener in np.flatnonzero(listening.responds):
        assert _similar(*(_patterns(listening, listener, half) for half in halves)) > 0.8
    spread = [np.abs(_patterns(listening, s, (0, 1, 2, 3, 4, 5))).mean() for s in range(6)]
    silent = np.argsort(spread)[:2]
    assert not listening.responds[silent].any()
    assert max(spread[s] for s in silent) < 0.5 * min(spread[s] for s in np.flatnonzero(listening.responds))


def test_the_contrary_listener_turns_his_sign_from_block_to_block(listening: SimulatedListening) -> None:
    sizes = np.array([np.abs(listening.scans.images[s]).mean() for s in range(6)])
    (contrary,) = [s for s in np.flatnonzero(~listening.responds) if sizes[s] > 1.5 * sizes.min()]
    first = _patterns(listening, contrary, (0,))
    signs = [np.sign(_similar(first, _patterns(listening, contrary, (block,)))) for block in range(6)]
    assert sorted(signs) == [-1, -1, -1, 1, 1, 1]


def test_topographies_are_shared_as_far_as_the_design_says() -> None:
    def mean_similarity(common: float) -> float:
        one = simulate_listening(3, replace(LOUD, silent=0, contrary=0, common_topography=common))
        patterns = [_patterns(one, s, (0, 1, 2, 3, 4, 5)) for s in range(6)]
        return float(np.mean([_similar(a, b) for k, a in enumerate(patterns) for b in patterns[:k]]))

    assert mean_similarity(0.9) > 0.7
    assert abs(mean_similarity(0.0)) < 0.2


def test_a_seed_gives_the_same_listeners_and_another_seed_others() -> None:
    first, again, other = (simulate_listening(seed, LOUD).scans.images[0] for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert first.shape != other.shape or not np.allclose(first, other)


def test_volumes_hold_the_same_regions_in_space(listening: SimulatedListening) -> None:
    volumes = simulate_listening(7, LOUD, volumes=True).scans.images[0]
    assert volumes.ndim == 4
    centre = volumes[:, 0, 0, 0]
    assert np.corrcoef(centre, listening.scans.images[0][:, 0])[0, 1] > 0.6
