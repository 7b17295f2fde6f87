from dataclasses import replace

import numpy as np
import pytest

from moodring.models.contract import Figures, Hearing
from moodring.models.signals.speech.microphone_level import check_microphone
from moodring.realtime.screens import at_the_end, wording


@pytest.mark.parametrize(
    ("members", "text"),
    [((0,), "low"), ((0, 1), "low or medium"), ((1, 2), "medium or high"), ((0, 2), "low or high")],
)
def test_sets_in_words(members, text):
    assert wording.answer(members) == text


def test_an_open_answer_has_a_reason(script):
    head = replace(script.estimate_at(30.0).answer("valence"), kept=(0, 1, 2), abstained="no EEG for 4 s")
    assert wording.answer((0, 1, 2)) == "undecided"
    assert wording.why_undecided(head) == "no EEG for 4 s"
    assert wording.why_undecided(replace(head, kept=(0, 1))) == ""


@pytest.mark.parametrize(
    ("state", "text", "tone"),
    [
        ("searching", "searching", "idle"),
        ("live", "live", "good"),
        ("stale", "no new samples", "warn"),
        ("rate_off", "rate off", "warn"),
        ("gap", "gap", "warn"),
        ("clock_jump", "clock jumped", "warn"),
        ("lost", "lost", "bad"),
        ("recovered", "recovered", "good"),
    ],
)
def test_health_in_words(script, state, text, tone):
    said = wording.health(script.source("eeg", health=state))
    assert (said.text, said.tone) == (text, tone)
    assert said.mark == wording.MARKS[tone]


def test_each_tone_has_a_mark_of_its_own():
    assert len(set(wording.MARKS.values())) == len(wording.MARKS)


def test_figures(script):
    eeg = script.source("eeg", observed_rate_hz=255.4, lost_samples=12345, age_s=1.25)
    assert wording.rate(eeg) == "255.4 / 256 Hz"
    assert wording.rate(script.source("face", observed_rate_hz=None, nominal_rate_hz=None)) == "– Hz"
    assert wording.lost(eeg) == "12 345 lost"
    assert (wording.age(eeg.age_s), wording.age(0.0213), wording.age(None)) == ("1.2 s", "21 ms", "–")
    assert wording.delay(script.source("eeg")) == "delay 8 ms"
    assert wording.delay(script.source("face")) == "delay undeclared"
    assert [wording.clock(s) for s in (0.0, 61.9, 3725.0)] == ["0:00", "1:01", "1:02:05"]


def test_speech_in_words(script):
    def said(t=59.0, **changes):
        sources = (script.source("eeg"), script.source("face"), script.source("speech", **changes))
        return wording.speech(script.snapshot_at(t, sources=sources)).text

    assert said() == "no speech"
    assert said(54.0) in script.SPEECH
    assert said(configured=False) == "no microphone"
    assert said(health="searching") == "no microphone yet"
    assert said(health="lost") == "microphone lost"
    assert said(error="unplugged") == "microphone failed"


def test_a_withheld_voice_says_why(script):
    snapshot = script.snapshot_at(59.0)
    hearing = Hearing(False, "the loudspeaker is playing", None, None, 0.0, -20.0)
    snapshot = replace(snapshot, estimate=replace(snapshot.estimate, hearing=hearing))
    assert wording.speech(snapshot) == wording.StatusText("the loudspeaker is playing", "warn")
    assert wording.speech(replace(snapshot, estimate=replace(snapshot.estimate, hearing=None))).text == "no speech"


def test_trouble_with_the_sound_in_words(script):
    def status(sound, **changes):
        return script.source("speech", sound=check_microphone(np.asarray(sound, np.float32)), **changes)

    rng = np.random.default_rng(0)
    clipped = status(np.clip(rng.normal(0, 0.5, 48_000), -1, 1))
    assert wording.health(clipped) == wording.StatusText("clipping", "warn")
    assert wording.trouble(clipped).startswith("clipping (4.")
    dead = status(np.zeros(48_000))
    assert wording.health(dead) == wording.StatusText("dead input", "warn")
    assert wording.trouble(dead) == "one value for 3 s: muted, or the wrong device"
    assert wording.health(status(rng.normal(0, 1e-5, 48_000))).text == "silent"
    fine = status(rng.normal(0, 0.05, 48_000))
    assert (wording.health(fine).text, wording.trouble(fine)) == ("live", "")
    # A microphone that is lost is lost: its old samples tell nothing.
    assert wording.health(status(np.zeros(48_000), health="lost")).text == "lost"
    overflown = script.source("speech", figures=Figures(overflows=3))
    assert "3 overflows" in wording.more_figures(overflown)


def test_a_speaking_participant_makes_the_readout_less_sure(script):
    estimate = script.snapshot_at(54.0).estimate
    speaking = replace(estimate, degraded="the participant speaks")
    one = replace(estimate.answer("valence"), kept=(0,), abstained=None)
    every = replace(one, kept=(0, 1, 2), abstained="the evidence fits every level")
    assert wording.doubt(speaking, one) == "less sure: the participant speaks"
    assert wording.doubt(speaking, every) == "the evidence fits every level"
    assert wording.doubt(replace(speaking, degraded=None), one) == ""


@pytest.mark.parametrize(
    ("changes", "text", "tone"),
    [
        ({}, "rec 123 MB, 14 h left", "good"),
        ({"minutes_left": 4.2, "disk_low": True}, "rec 123 MB, 4 min left", "warn"),
        ({"minutes_left": 1e5, "bytes": 2_340_000_000}, "rec 2.3 GB", "good"),
        ({"lsl": False}, "rec 123 MB, LSL starting", "warn"),
        ({"lost_frames": 3, "lost_chunks": 1}, "rec 123 MB, 14 h left, 4 missed", "warn"),
        ({"error": "face: no space"}, "recording in part", "bad"),
        ({"on": False, "error": "the disk is full"}, "recording stopped", "bad"),
        ({"on": False}, "rec 123 MB, finished", "idle"),
    ],
)
def test_recording_in_words(script, changes, text, tone):
    snapshot = script.snapshot_at(30.0, recording=script.recording(**changes))
    assert wording.recording(snapshot) == wording.StatusText(text, tone)


def test_without_a_recording_nothing_is_said_of_one(script):
    assert wording.recording(script.snapshot_at(30.0)) is None


def test_a_missing_stream_is_red_and_why_nothing_can_be_said_is_said(script):
    recording = script.recording(missing=("name='triggers'",))
    shown = wording.recording(script.snapshot_at(30.0, recording=recording))
    assert (shown.tone, shown.text.split(", ")[-1]) == ("bad", "1 stream(s) missing")
    nothing = {"bundles": []}
    assert at_the_end.answers((), nothing, "too short")[0].endswith("of valence and arousal: too short")
    estimate = script.estimate_at(30.0)
    heads = tuple(replace(head, probabilities=None, kept=(), abstained="too few channels") for head in estimate.heads)
    assert at_the_end.answers((replace(estimate, heads=heads),), nothing)[0].endswith(": too few channels")
