"""Simulated faces: bursts fill a tenth of the time, frames are drawn lazily and purely, the detector finds them."""

import time
from itertools import pairwise

import numpy as np
import pytest

from moodring.models.io.bundle import bundled
from moodring.models.signals.face.detection import FaceDetector
from moodring.offline.simulate import BENCHMARK, simulate_parts
from moodring.offline.simulate.face import SimulatedFace
from moodring.offline.simulate.face_plan import Burst, FacePlan, plan_face
from moodring.offline.simulate.face_portrait import draw_appearance
from moodring.offline.simulate.latents import simulate_latents

TIMES_S = np.arange(100) / 25.0


def _still(seed: int, *bursts: Burst) -> SimulatedFace:
    return SimulatedFace(seed, TIMES_S, FacePlan(bursts, (), ()), np.zeros(100), BENCHMARK)


def test_expressions_fill_a_tenth_of_the_time_in_bursts() -> None:
    shares, lengths = [], []
    for seed in range(1, 31):
        plan = plan_face(seed, 180.0, simulate_latents(seed, 180.0, BENCHMARK), BENCHMARK)
        intensity, _, _ = plan.expression_at(np.arange(4500) / 25.0)
        shares.append((intensity > 0.0).mean())
        lengths += [burst.stop_s - burst.start_s for burst in plan.bursts]
        gaps = [after.start_s - before.stop_s for before, after in pairwise(plan.bursts)]
        assert min(gaps) >= 1.5
    assert np.mean(shares) == pytest.approx(0.10, abs=0.015)
    assert min(lengths) >= 0.5
    assert max(lengths) <= 2.0


def test_expressions_resemble_what_is_felt() -> None:
    felt, shown = [], []
    for seed in range(1, 31):
        latents = simulate_latents(seed, 180.0, BENCHMARK)
        for burst in plan_face(seed, 180.0, latents, BENCHMARK).bursts:
            felt.append(latents.at(np.array([(burst.start_s + burst.stop_s) / 2.0]))[0])
            shown.append((burst.valence, burst.arousal))
    for axis in range(2):
        likeness = np.corrcoef(np.array(felt)[:, axis], np.array(shown)[:, axis])[0, 1]
        assert 0.6 < likeness < 0.95


def test_every_expression_is_announced_and_some_cues_are_false() -> None:
    plan = plan_face(3, 180.0, simulate_latents(3, 180.0, BENCHMARK), BENCHMARK)
    centres = np.array([cue.centre_s for cue in plan.cues])
    for burst in plan.bursts:
        ahead = burst.start_s - centres
        assert ((ahead >= 0.3) & (ahead <= 1.0)).any()
    assert len(plan.cues) > len(plan.bursts)


def test_frames_are_the_same_on_every_reading_in_any_order() -> None:
    face = simulate_parts(11, 8.0).face
    backwards = [face[index] for index in (150, 3)]
    forwards = [face[index] for index in (3, 150)]
    assert np.array_equal(backwards[0], forwards[1])
    assert np.array_equal(backwards[1], forwards[0])
    assert backwards[0].shape == (192, 192, 3)
    assert backwards[0].dtype == np.uint8


def test_frames_end_where_they_end() -> None:
    face = _still(1)
    assert len(list(face)) == 100
    for index in (-1, 100):
        with pytest.raises(IndexError, match="of 100"):
            face[index]


def test_a_smile_lifts_the_corners_of_the_mouth() -> None:
    smiling = _still(1, Burst(0.0, 4.0, 1.0, 1.0, 0.0))
    neutral = _still(1)
    assert smiling.intensity(50) == pytest.approx(1.0)
    assert smiling.expressed(50) == (1.0, 0.0)
    assert neutral.intensity(50) == 0.0
    difference = np.abs(smiling[50].astype(int) - neutral[50].astype(int)).mean(axis=2)
    mouth, wall = difference[115:140, 70:125].mean(), difference[:20, :20].mean()
    assert mouth > 5.0 * max(wall, 1.0)


def test_the_detector_finds_everybody() -> None:
    finder = FaceDetector(bundled("yunet").read_bytes())
    found = []
    for seed in range(1, 25):
        plan = plan_face(seed, 30.0, simulate_latents(seed, 30.0, BENCHMARK), BENCHMARK)
        face = SimulatedFace(seed, np.arange(750) / 25.0, plan, np.zeros(750), BENCHMARK)
        found += [finder.find(face[index]) is not None for index in range(10, 750, 120)]
    assert np.mean(found) >= 0.98


def test_people_look_different() -> None:
    people = [draw_appearance(seed) for seed in range(1, 31)]
    assert len({one.hair_style for one in people}) == 5
    assert len({(one.skin, one.hair, one.shirt) for one in people}) > 25


def test_frames_are_cheap() -> None:
    face = simulate_parts(11, 8.0).face
    took_s = []
    for index in range(40):
        before_s = time.thread_time()
        face[index]
        took_s.append(time.thread_time() - before_s)
    assert np.median(took_s) < 0.006
