"""Whose voice it is, on Gaussian clouds and on simulated people."""

from dataclasses import replace

import numpy as np
import pytest
import soxr

from moodring.models.contract import AUDIO_RATE_HZ, FloatArray
from moodring.models.decoders.speaker import shipped_voices
from moodring.models.signals.speech.speaker_verification import (
    N_CEPSTRA,
    Background,
    CepstraState,
    GateState,
    Thresholds,
    cepstra,
    log_likelihood_ratios,
    log_likelihoods,
    map_adapt,
    step,
    verify,
)
from moodring.models.signals.speech.voice_frames import COLUMNS, FrameState, frame_features, mel_bands
from moodring.offline.simulate.voice import simulate_voice

AT_ZERO = Thresholds((0.0, 0.0, 0.0))


def clouds(k: int = 4) -> Background:
    rng = np.random.default_rng(1)
    return Background(
        np.full(k, 1 / k), rng.normal(0, 2, (k, N_CEPSTRA)), np.ones((k, N_CEPSTRA)),
        np.full(N_CEPSTRA, 0.5), np.full(N_CEPSTRA, 2.0),
    )  # fmt: skip


def drawn(background: Background, shift: float, n: int, seed: int) -> FloatArray:
    """Draw cepstra of somebody whose means all lie off the background's by ``shift``."""
    rng = np.random.default_rng(seed)
    scaled = background.means[rng.integers(0, len(background.weights), n)] + shift + rng.normal(0, 1, (n, N_CEPSTRA))
    return (scaled * background.scale + background.centre).astype(np.float32)


def test_without_data_a_person_is_the_background() -> None:
    background = clouds()
    means = map_adapt(background, np.zeros((0, N_CEPSTRA), np.float32))
    np.testing.assert_array_equal(means, background.means)
    rows = drawn(background, 0.3, 50, 2)
    np.testing.assert_array_equal(
        log_likelihoods(background, means, rows), log_likelihoods(background, rows=rows, means=background.means)
    )


def test_one_gaussian_is_adapted_as_the_paper_says() -> None:
    one = clouds(1)
    rows = drawn(one, 1.0, 48, 3)
    scaled = (rows - one.centre) / one.scale
    # 48 frames against a relevance of 16: three quarters of the way.
    expected = 0.75 * scaled.mean(axis=0) + 0.25 * one.means[0]
    np.testing.assert_allclose(map_adapt(one, rows, 16.0)[0], expected, rtol=1e-6)


def test_more_of_a_person_moves_the_means_nearer() -> None:
    background = clouds()
    off = [
        np.abs(map_adapt(background, drawn(background, 0.5, n, 4)) - background.means - 0.5).mean()
        for n in (20, 200, 5000)
    ]
    assert off[0] > off[1] > off[2]
    assert off[2] < 0.05


def test_the_likelihood_is_that_of_the_mixture() -> None:
    background = replace(clouds(2), weights=np.array([0.25, 0.75]))
    row = drawn(background, 0.0, 1, 5)
    scaled = (row[0] - background.centre) / background.scale
    densities = [np.exp(-0.5 * np.sum((scaled - m) ** 2)) / (2 * np.pi) ** (N_CEPSTRA / 2) for m in background.means]
    assert log_likelihoods(background, background.means, row)[0] == pytest.approx(
        np.log(0.25 * densities[0] + 0.75 * densities[1])
    )


def test_bands_are_those_of_the_recogniser() -> None:
    sound = simulate_voice(3, 3.0)
    rows, after = frame_features(sound, FrameState())
    mel, level_db, left = mel_bands(sound, FrameState())
    np.testing.assert_array_equal(mel, rows[:, COLUMNS["mel"]])
    np.testing.assert_array_equal(level_db, rows[:, COLUMNS["level_db"]][:, 0])
    np.testing.assert_array_equal(left.rest, after.rest)


def test_how_an_utterance_is_cut_changes_nothing() -> None:
    sound = simulate_voice(3, 4.0)
    whole, _ = cepstra(sound, CepstraState())
    parts, state = [], CepstraState()
    for piece in np.split(sound, [100, 700, 20_000, 20_001]):
        rows, state = cepstra(piece, state)
        parts.append(rows)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-4)
    assert len(whole)


def test_gain_changes_nothing_and_quiet_frames_are_left_out() -> None:
    sound = simulate_voice(3, 4.0)
    loud, _ = cepstra(sound, CepstraState())
    soft, _ = cepstra(sound * np.float32(0.25), CepstraState())
    np.testing.assert_allclose(soft, loud, atol=1e-2)
    then_quiet = np.concatenate((sound, sound * np.float32(1e-3)))
    assert len(cepstra(then_quiet, CepstraState())[0]) <= len(loud) + 4


def test_a_voice_is_known_again_and_one_of_another_throat_is_not() -> None:
    background = shipped_voices().background
    # Played slower or faster: a longer or a shorter throat and lower or higher vocal folds.
    people = [
        soxr.resample(simulate_voice(1, 80.0), AUDIO_RATE_HZ * speed, AUDIO_RATE_HZ) for speed in (0.8, 1.0, 1.25)
    ]
    halves = [np.split(sound, [len(sound) // 2]) for sound in people]
    means = [map_adapt(background, cepstra(first, CepstraState())[0]) for first, _ in halves]
    for who, (_, second) in enumerate(halves):
        rows, _ = cepstra(second, CepstraState())
        likely = [log_likelihoods(background, m, rows).mean() for m in (background.means, *means)]
        assert int(np.argmax(likely)) == who + 1
        assert likely[who + 1] > max(x for i, x in enumerate(likely) if i != who + 1) + 0.2


def test_the_threshold_is_that_of_so_many_seconds() -> None:
    second = (90, np.array([0.0, 90.0]))  # a log-ratio of 1 a frame
    assert log_likelihood_ratios((second, second)) == (pytest.approx(1.0), np.inf)
    strict_at = [Thresholds(tuple(2.0 if i == n else 0.5 for i in range(3))) for n in range(3)]
    for n in range(3):
        verdicts = [verify((second,) * count, strict_at[n]) for count in (1, 2, 3)]
        assert verdicts == ["another" if count == n + 1 else "own" for count in (1, 2, 3)]


def test_too_little_is_unclear() -> None:
    assert verify(((59, np.array([0.0, 500.0])),), AT_ZERO) == "unclear"
    assert verify(((60, np.array([0.0, 500.0])),), AT_ZERO) == "own"
    assert verify(((20, np.array([0.0, 50.0])), (40, np.array([0.0, 50.0]))), AT_ZERO) == "own"


def test_whom_another_enrolment_explains_better_is_another() -> None:
    assert verify(((90, np.array([0.0, 50.0, 40.0])),), AT_ZERO) == "own"
    assert verify(((90, np.array([0.0, 50.0, 60.0])),), AT_ZERO) == "another"
    assert verify(((90, np.array([0.0, 50.0, 40.0, 60.0])),), AT_ZERO) == "another", "of several, the best counts"
    strict = Thresholds((0.5, 0.5, 0.5))
    assert verify(((90, np.array([0.0, 50.0, 49.0])),), strict) == "own", "the threshold is for people in general"
    assert verify(((90, np.array([10.0, 50.0, 0.0])),), strict) == "another"


def test_only_the_newest_three_seconds_count() -> None:
    background = shipped_voices().background
    sound = simulate_voice(5, 12.0)
    means = (map_adapt(background, cepstra(sound, CepstraState())[0]),)
    state = GateState()
    for begin in range(0, 6 * AUDIO_RATE_HZ, AUDIO_RATE_HZ):
        _, state = step(state, sound[begin : begin + AUDIO_RATE_HZ], background, means, AT_ZERO)
    assert len(state.seconds) == 3
