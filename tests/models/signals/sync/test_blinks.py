"""Blinks of simulated people, whose lids and whose EEG are driven by the same moments."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.io.bundle import bundled
from moodring.models.signals.face.detection import FaceDetector
from moodring.models.signals.sync.blinks import blink_lags, eye_closure, frontal_signal
from moodring.models.signals.sync.delays import combine_delays
from moodring.offline.simulate import BENCHMARK
from moodring.offline.simulate.simulated_session import simulate_parts


@pytest.fixture(scope="module")
def finder():
    return FaceDetector(bundled("yunet").read_bytes())


@pytest.fixture(scope="module", params=[2, 3, 8])
def person(request, finder):
    """Closure and forehead of 30 s of one person who blinks often; person 2 has a bad contact at Fp2."""
    session = simulate_parts(request.param, 30.0, replace(BENCHMARK, blink_rate=0.5))
    recording = session.recording
    frames = [recording.face.frames[index] for index in range(len(recording.face.stamps_s))]
    closure = eye_closure(frames, recording.face.stamps_s, finder)
    eeg = recording.eeg
    frontal_uv = frontal_signal(eeg.samples, eeg.channel_names, eeg.rate_hz)
    blinks_s = recording.t0_s + np.array(session.face_plan.blinks_s)
    return closure, recording.face.stamps_s, frontal_uv, eeg.stamps_s, blinks_s


@pytest.mark.parametrize("shift_s", [-0.45, -0.06, 0.0, 0.08, 0.5])
def test_the_lag_between_eeg_and_video_comes_back(person, shift_s):
    closure, frames_s, frontal_uv, eeg_s, blinks_s = person
    lags_s = blink_lags(closure, frames_s, frontal_uv, eeg_s + shift_s)
    assert len(lags_s) > 0.6 * len(blinks_s)
    assert combine_delays(lags_s, len(lags_s), 0.07, "blinks").delay_s == pytest.approx(shift_s, abs=0.020)


def test_lids_are_seen_to_close_when_they_do(person):
    closure, frames_s, _, _, blinks_s = person
    since_s = np.abs(frames_s[:, None] - blinks_s).min(axis=1)
    shut, open_ = closure[since_s < 0.03], closure[since_s > 0.3]
    assert np.percentile(shut, 10) > np.percentile(open_, 99)


def test_no_lag_is_given_where_the_two_do_not_belong_together(person):
    closure, frames_s, frontal_uv, eeg_s, _ = person
    half = len(frontal_uv) // 2
    with pytest.raises(MoodringError, match=r"no one lag|share|at least 5"):
        blink_lags(closure, frames_s, np.roll(frontal_uv, half)[::-1], eeg_s)


def test_too_few_blinks_are_refused_with_their_number(person):
    closure, frames_s, frontal_uv, eeg_s, _ = person
    with pytest.raises(MoodringError, match="the video shows 0 blinks, at least 5"):
        blink_lags(np.random.default_rng(0).normal(0, 0.01, len(closure)), frames_s, frontal_uv, eeg_s)
    with pytest.raises(MoodringError, match=r"forehead channels show [0-4] blinks, at least 5"):
        blink_lags(closure, frames_s, np.zeros_like(frontal_uv), eeg_s)


def test_a_stream_without_forehead_channels_is_refused():
    with pytest.raises(MoodringError, match=r"has none of them \(came: C3, Oz\).*eeg.rename"):
        frontal_signal(np.zeros((512, 2)), ("C3", "Oz"), 256.0)


def test_pictures_without_a_face_are_refused(finder):
    wall = np.full((120, 160, 3), 128, np.uint8)
    with pytest.raises(MoodringError, match="a face was found in 0 of 20 frames"):
        eye_closure([wall] * 20, np.arange(20) / 25, finder)


@pytest.mark.data
def test_a_real_person_s_blink_is_seen(finder, data_dir):
    film = data_dir / "faces" / "single_face.mp4"
    if not film.exists():
        pytest.skip(f"no {film}")
    video, frames = cv2.VideoCapture(str(film)), []
    while (read := video.read())[0]:
        height, width = read[1].shape[:2]
        frames.append(cv2.resize(read[1], (320, 320 * height // width), interpolation=cv2.INTER_AREA))
    closure = eye_closure(frames, np.arange(len(frames)) / 30.0, finder)
    # The man in it blinks once, 0.9 s after its start.
    assert abs(int(np.argmax(closure)) / 30.0 - 0.89) < 0.1
    assert closure.max() > 3 * np.percentile(closure, 90)
