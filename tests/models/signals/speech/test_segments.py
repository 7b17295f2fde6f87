"""Utterances cut into segments: when they open and close, what they hold, and that nothing depends on the future."""

import numpy as np
import pytest
from numpy.typing import NDArray

from moodring.models.contract import SpeechSegment
from moodring.models.signals.speech.segments import (
    SEGMENT_SAMPLES,
    WINDOW_SAMPLES,
    RunningRms,
    UtteranceRules,
    UtteranceState,
    close,
    normalise,
    step,
)

WINDOW_S = WINDOW_SAMPLES / 16_000


def ramp(n_windows: int) -> NDArray[np.float32]:
    """Samples that count up from 1, so that each can be found again."""
    return np.arange(1, n_windows * WINDOW_SAMPLES + 1, dtype=np.float32)


def cut(
    probabilities: list[float], rules: UtteranceRules | None = None, ends: bool = True
) -> tuple[list[SpeechSegment], UtteranceState]:
    rules = rules or UtteranceRules()
    state, done = UtteranceState(), []
    for i, window in enumerate(ramp(len(probabilities)).reshape(-1, WINDOW_SAMPLES)):
        segments, state = step(state, window, probabilities[i], (i + 1) * WINDOW_S, rules)
        done.extend(segments)
    if ends:
        segments, state = close(state, rules)
        done.extend(segments)
    return done, state


def own(segment: SpeechSegment) -> tuple[int, int]:
    """Which samples a segment holds, by its stamps."""
    return round(segment.start_s * 16_000), round(segment.end_s * 16_000)


def test_silence_gives_nothing() -> None:
    segments, state = cut([0.1, 0.49, 0.3] * 40)
    assert segments == []
    assert not state.speaking


def test_an_utterance_opens_one_window_early_and_ends_one_window_into_the_pause() -> None:
    speech = 70
    segments, _ = cut([0.0] * 5 + [0.9] * speech + [0.0] * 20, ends=False)
    assert [(s.first, s.final) for s in segments] == [(True, False), (False, False), (False, True)]
    assert own(segments[0])[0] == 4 * WINDOW_SAMPLES
    assert own(segments[-1])[1] == (5 + speech + 1) * WINDOW_SAMPLES
    assert [s.n_samples for s in segments] == [16_000, 16_000, 72 * 512 - 32_000]
    assert [own(a)[1] for a in segments[:-1]] == [own(b)[0] for b in segments[1:]]


def test_segments_hold_the_samples_that_their_stamps_name() -> None:
    segments, _ = cut([0.0] * 3 + [0.9] * 60 + [0.0] * 20)
    for segment in segments:
        start, stop = own(segment)
        assert stop - start == segment.n_samples
        true = np.arange(start + 1, stop + 1, dtype=np.float64)
        ratio = segment.samples[: segment.n_samples] / true
        np.testing.assert_allclose(ratio, ratio[0], rtol=1e-5)
        assert not segment.samples[segment.n_samples :].any()
        assert segment.samples.shape == (SEGMENT_SAMPLES,)
        assert segment.samples.dtype == np.float32


def test_a_short_pause_belongs_to_the_utterance_and_a_long_one_ends_it() -> None:
    spoken = [0.9] * 40
    kept, _ = cut(spoken + [0.0] * 15 + spoken + [0.0] * 20, ends=False)
    assert [s.final for s in kept].count(True) == 1
    split, _ = cut(spoken + [0.0] * 17 + spoken + [0.0] * 20, ends=False)
    assert [s.final for s in split].count(True) == 2
    assert [s.first for s in split].count(True) == 2


def test_between_offset_and_onset_nothing_changes() -> None:
    lingering, _ = cut([0.9] * 10 + [0.4] * 60 + [0.0] * 20, ends=False)
    assert own(lingering[-1])[1] == 71 * WINDOW_SAMPLES
    pausing, _ = cut([0.9] * 10 + [0.2] + [0.4] * 60, ends=False)
    assert own(pausing[-1])[1] == 11 * WINDOW_SAMPLES


@pytest.mark.parametrize(("windows", "expected"), [(7, 0), (9, 1)])
def test_a_click_is_no_utterance(windows: int, expected: int) -> None:
    segments, _ = cut([0.0] * 3 + [0.9] * windows + [0.0] * 20, ends=False)
    assert len(segments) == expected


def test_a_rest_too_short_to_judge_only_closes_the_utterance() -> None:
    segments, _ = cut([0.0] * 3 + [0.9] * 33 + [0.0] * 20, ends=False)
    last = segments[-1]
    assert [s.n_samples for s in segments] == [16_000, 0]
    assert last.final
    assert last.start_s == last.end_s == segments[0].end_s
    assert not last.samples.any()


def test_a_long_speech_is_cut_into_utterances() -> None:
    segments, _ = cut([0.9] * 200, UtteranceRules(longest_segments=3), ends=False)
    assert [(s.first, s.final) for s in segments] == [(True, False), (False, False), (False, True)] * 2


def test_the_scale_is_the_running_rms_of_the_utterance() -> None:
    segments, _ = cut([0.9] * 80 + [0.0] * 20, ends=False)
    heard = ramp(100).astype(np.float64)
    for segment in segments:
        start, stop = own(segment)
        scale = np.sqrt(np.mean(heard[own(segments[0])[0] : stop] ** 2))
        np.testing.assert_allclose(segment.samples[: stop - start], heard[start:stop] / scale, rtol=1e-5)


def test_each_utterance_has_a_scale_of_its_own() -> None:
    segments, _ = cut([0.9] * 40 + [0.0] * 30 + [0.9] * 40 + [0.0] * 20, ends=False)
    openers = [s for s in segments if s.first]
    assert len(openers) == 2
    for segment in openers:
        assert np.sqrt(np.mean(segment.samples**2)) == pytest.approx(1.0, rel=1e-5)


def test_the_future_changes_nothing_already_said() -> None:
    head = [0.0] * 4 + [0.9] * 50
    for tail in ([0.9] * 40, [0.0] * 40):
        segments, _ = cut(head + tail, ends=False)
        np.testing.assert_array_equal(segments[0].samples, cut(head, ends=False)[0][0].samples)


def test_digital_silence_is_not_amplified() -> None:
    quiet = np.full(100, 1e-6, np.float32)
    normal, rms = normalise(quiet, RunningRms())
    assert np.abs(normal).max() < 0.011
    assert rms.count == 100
