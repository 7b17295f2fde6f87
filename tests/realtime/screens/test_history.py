from dataclasses import replace

import numpy as np
import pytest

from moodring.realtime.engine.lsl_outlet import estimate_row
from moodring.realtime.engine.publisher import undecided_labels, undecided_row
from moodring.realtime.screens.history import LOOKS_SPAN_S, SPAN_S, empty, extended, prefilled


def test_every_decision_look_and_truth_is_kept_once(script):
    history = empty()
    for k in range(400):
        history = extended(history, script.snapshot_at(k / 10))
    assert np.allclose(np.diff(history.times_s), 0.5)
    assert history.times_s[[0, -1]].tolist() == [1002.0, 1039.5]
    assert history.valence[-1] == pytest.approx(script.readout(39.5)[0].probabilities)
    assert np.diff(history.truth_times_s).min() >= 0.25
    expected = [look.time_s for look in script.looks(39.5) if look.time_s >= 1039.5 - LOOKS_SPAN_S]
    assert [look.time_s for look in history.looks] == expected


def test_nothing_new_gives_the_same_object(script):
    history = extended(empty(), script.snapshot_at(30.0))
    assert extended(history, script.snapshot_at(30.1)) is history


def test_the_past_is_bounded(script):
    history = empty()
    for k in range(0, 500):
        history = extended(history, script.snapshot_at(k / 2))
    assert history.times_s[-1] - history.times_s[0] == SPAN_S
    assert history.truth_times_s[-1] - history.truth_times_s[0] <= SPAN_S


def test_another_session_starts_empty(script):
    history = extended(empty(), script.snapshot_at(30.0))
    other = extended(history, replace(script.snapshot_at(30.5), t0_s=5.0))
    assert other.times_s.tolist() == [1030.5]


def test_the_engines_own_ring_goes_before_what_was_seen(script):
    history = extended(empty(), script.snapshot_at(30.0))
    labels = ("another head", *script.LABELS)
    rows = np.full((3, len(labels)), 0.25, np.float32)
    rows[0, 1:7] = np.nan
    stamps_s = np.array([1028.0, 1029.0, 1030.0])
    assert prefilled(history, stamps_s, rows, ("another head",)) is history
    full = prefilled(history, stamps_s, rows, labels)
    assert full.times_s.tolist() == [1029.0, 1030.0]
    assert full.arousal[0].tolist() == [0.25] * 3
    assert full.undecided.shape == (2, 2)


def test_a_late_screen_knows_what_had_been_left_open(script):
    """The rows are those that an engine writes."""
    estimate = script.estimate_at(30.0)
    heads = tuple(replace(head, kept=(0, 1, 2)) if head.name == "arousal" else head for head in estimate.heads)
    estimate = replace(estimate, heads=heads)
    labels = (*script.LABELS, *undecided_labels(script.HEADS))
    row = np.concatenate([estimate_row(estimate, script.HEADS), undecided_row(estimate, script.HEADS)])
    full = prefilled(empty(), np.array([1029.0]), row[np.newaxis], labels)
    assert full.undecided.tolist() == [[len(estimate.answer("valence").kept) == 3, True]]
