"""Whole simulated sessions: determinism, timeline, truth, differences between people, the frozen benchmark."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.contract import Recording, Signal, Truth, Video
from moodring.offline.simulate import BENCHMARK, EASY, simulate, simulate_parts
from moodring.offline.simulate.difficulty import BENCHMARK_DIGEST
from moodring.offline.simulate.latents import ground_truth, simulate_latents, stimulus_library


def _modalities(recording: Recording) -> tuple[Signal, Video, Signal, Truth]:
    eeg, face, speech, known = recording.eeg, recording.face, recording.speech, recording.truth
    assert eeg is not None
    assert face is not None
    assert speech is not None
    assert known is not None
    return eeg, face, speech, known


def _same(one: Recording, other: Recording) -> bool:
    (eeg, face, speech, _), (eeg2, face2, speech2, _) = _modalities(one), _modalities(other)
    return (
        np.array_equal(eeg.samples, eeg2.samples)
        and np.array_equal(speech.samples, speech2.samples)
        and all(np.array_equal(face.frames[index], face2.frames[index]) for index in (0, 57, 199))
        and one.markers == other.markers
    )


def test_one_seed_gives_one_recording_and_two_seeds_two_people() -> None:
    first, again, other = simulate(5, 8.0), simulate(5, 8.0), simulate(6, 8.0)
    assert _same(first, again)
    assert first.participant != other.participant
    assert not _same(first, other)


def test_signals_lie_on_exact_grids_from_one_start() -> None:
    recording = simulate(5, 8.0)
    eeg, face, speech, known = _modalities(recording)
    assert eeg.samples.shape == (2048, 32)
    assert speech.samples.shape == (128_000, 1)
    assert len(face.frames) == 200
    assert len(known.stamps_s) == 64
    assert recording.t0_s != 0.0
    for stamps_s, rate_hz in ((eeg.stamps_s, 256), (face.stamps_s, 25), (speech.stamps_s, 16_000), (known.stamps_s, 8)):
        assert np.array_equal(stamps_s, recording.t0_s + np.arange(len(stamps_s)) / rate_hz)
    assert np.abs(speech.samples).max() <= 1.0
    assert np.isfinite(eeg.samples).all()


def test_short_sessions_rest_a_quarter() -> None:
    assert simulate(5, 8.0).rest_s == 2.0
    assert simulate_latents(5, 180.0, BENCHMARK).rest_s == 20.0


def test_rest_has_no_level_and_stimuli_are_marked_where_they_start() -> None:
    recording = simulate(9, 60.0)
    *_, known = _modalities(recording)
    resting = known.stamps_s < recording.t0_s + recording.rest_s
    assert np.array_equal(known.levels[:, 0] == -1, resting)
    assert np.array_equal(known.stimulus == -1, resting)
    for marker in recording.markers[2:]:
        shown = known.stimulus[np.searchsorted(known.stamps_s, marker.stamp_s)]
        assert marker.text == f"stimulus_{shown}"
    assert [marker.text for marker in recording.markers[:2]] == ["rest_start", "rest_end"]


def test_every_class_fills_a_fair_part_of_each_session() -> None:
    for seed in range(1, 21):
        known = ground_truth(simulate_latents(seed, 180.0, BENCHMARK), 0.0, 180.0)
        used = known.levels[known.levels[:, 0] >= 0]
        for axis in range(2):
            share = np.bincount(used[:, axis], minlength=3) / len(used)
            assert share.min() > 0.18
        assert np.abs(known.latents).max() <= 1.0


def test_stimuli_are_the_same_for_everybody_and_mean_what_they_aim_at() -> None:
    stimuli = stimulus_library(BENCHMARK)
    assert len(stimuli) == 18
    assert {(one.valence_level, one.arousal_level) for one in stimuli} == {(v, a) for v in range(3) for a in range(3)}
    agree = []
    for seed in range(1, 11):
        known = ground_truth(simulate_latents(seed, 180.0, BENCHMARK), 0.0, 180.0)
        used = known.stimulus >= 0
        aimed = np.array([(stimuli[one].valence_level, stimuli[one].arousal_level) for one in known.stimulus[used]])
        agree.append((aimed == known.levels[used]).mean())
    # Transitions take about 1.5 s of 17 s.
    assert 0.85 < np.mean(agree) < 0.99


@pytest.mark.parametrize(("seed", "duration_s"), [(-1, 30.0), (1, 3.0), (1, float("nan"))])
def test_impossible_sessions_are_refused_in_one_line(seed: int, duration_s: float) -> None:
    with pytest.raises(MoodringError, match=r"^Expected .*\.$"):
        simulate(seed, duration_s)


def test_the_benchmark_is_frozen() -> None:
    assert BENCHMARK.digest() == BENCHMARK_DIGEST
    assert replace(BENCHMARK, name="other").digest() == BENCHMARK_DIGEST
    assert replace(BENCHMARK, power_fluctuation=0.71).digest() != BENCHMARK_DIGEST
    assert EASY.digest() != BENCHMARK_DIGEST


def test_the_code_behind_the_benchmark_still_makes_the_same_people() -> None:
    recording = simulate(7, 24.0)
    signal, face, speech, known = _modalities(recording)
    eeg = signal.samples
    # Offsets of millivolts in float32: a tenth of a microvolt is far below any band.
    expected = [[-6714.9165, 7186.6567], [-6695.0459, 7218.8228], [-6715.0317, 7208.2823]]
    assert eeg[[100, 3000, 6000]][:, [3, 18]] == pytest.approx(np.array(expected), abs=0.1)
    assert speech.samples.std() == pytest.approx(0.022789, rel=1e-3)
    brightness = [face.frames[index].mean() for index in (0, 300, 599)]
    assert brightness == pytest.approx([176.786, 170.401, 186.410], abs=0.1)
    assert known.latents[100] == pytest.approx([-0.670509, -0.547251], abs=1e-4)


def test_the_easy_people_say_who_they_are() -> None:
    session = simulate_parts(3, 8.0, EASY)
    assert session.recording.name.endswith("easy")
    assert session.presentations == session.latents.presentations


def test_the_simulator_starts_without_heavy_libraries() -> None:
    code = "import sys, moodring.offline.simulate; print([n for n in ('torch', 'mne', 'sklearn') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
