"""What is said after a decoding: every head, what its model knows, the rest as a declaration, dead sound."""

from types import SimpleNamespace

import pytest

from moodring.models.contract import HeadOutput
from moodring.realtime.screens import at_the_end

WORKLOAD = {"file": "workload.safetensors", "domain": ["EEGMAT"], "labels": "the task", "heads": ["workload"]}
VOICE = {"file": "emodb.safetensors", "domain": ["8 actors"], "labels": "", "heads": ["speech"]}
SIMULATED = {"file": "a.safetensors", "domain": ["simulated"], "labels": "", "heads": ["valence", "arousal"]}
LEVELS = ("low", "medium", "high")


def head(name, classes, probabilities, kept=(), abstained=None):
    return HeadOutput(name, "felt", classes, probabilities, kept=kept, abstained=abstained)


def estimate(time_s, *heads):
    named = {one.name: one for one in heads}
    answered = {name: one for name, one in named.items() if one.answered}
    return SimpleNamespace(session_time_s=time_s, heads=heads, head=named.get, answer=answered.get)


@pytest.fixture
def summary():
    return {
        "decisions": 4,
        "calibrated_decisions": 3,
        "rest_s": 30.0,
        "modalities": {"eeg": {"present": True, "used_fraction": 1.0}},
        "hearing": {"faults": {}},
        "faces": None,
        "bundles": [WORKLOAD, VOICE],
    }


def test_heads_of_further_bundles_and_the_voice_are_told(summary):
    workload = [head("workload", ("rest", "arithmetic"), (p, 1 - p), (0,)) for p in (0.4, 0.75)]
    voice = head("speech", ("anger", "fear", "joy"), (0.4, 0.35, 0.25))
    silent = head("speech", voice.classes, None, abstained="no speech")
    lines = at_the_end.answers([estimate(1.0, workload[0], voice), estimate(1.5, workload[1], silent)], summary)
    assert len(lines) == 2
    assert lines[0].startswith("Workload, felt, last at 1.5 s: rest 75%, arithmetic 25%; most probable in 2 answers")
    assert lines[1].startswith("Speech, felt, last at 1.0 s: not sure (anger 40%, fear 35%, joy 25%)")


def test_a_head_that_never_answered_says_why(summary):
    never = head("workload", ("rest", "arithmetic"), None, abstained="set decisions.rest_s")
    assert at_the_end.answers([estimate(1.0, never)], summary) == (
        "Workload, felt: no answer in 1 decisions: set decisions.rest_s",
    )


def test_answers_of_simulated_bundles_carry_the_caveat(summary):
    axes = [head(axis, LEVELS, (0.1, 0.2, 0.7), (2,)) for axis in ("valence", "arousal")]
    (line,) = at_the_end.answers([estimate(1.0, *axes)], {**summary, "bundles": [SIMULATED]})
    assert line.endswith("high 70% (trained on simulated people only)")
    assert any(
        "simulated people only" in one for one in at_the_end.what_it_rests_on({"rest_s": 0, "bundles": [SIMULATED]})
    )


def test_a_rest_is_a_declaration_and_each_bundle_says_what_it_knows(summary):
    assert "calibrated by the declared rest" in at_the_end.summary_line(summary)
    rest, workload, voice = at_the_end.what_it_rests_on(summary)
    assert rest == "a rest was declared from 0 to 30 s; whether the person rested then is not checked"
    assert workload.startswith("workload.safetensors: trained on EEGMAT (labels: the task); ")
    assert voice.startswith("emodb.safetensors: trained on 8 actors; ")
    without = {**summary, "rest_s": 0.0, "calibrated_decisions": 0}
    assert "(0 calibrated by a rest)" in at_the_end.summary_line(without)


def test_a_dead_sound_track_is_told(summary):
    dead = {**summary, "hearing": {"faults": {"stuck": 3}}}
    assert "sound: dead input (one value that never changes) in 3 of 4 decisions" in at_the_end.summary_line(dead)


def test_an_answer_of_long_ago_is_not_told_as_the_last_word(summary):
    """What was said before the gate withheld the rest comes with its time, and with why nothing was said since."""
    said = [head(axis, LEVELS, (0.1, 0.2, 0.7), (2,)) for axis in ("valence", "arousal")]
    withheld = [head(axis, LEVELS, None, abstained="the EEG is unlike any") for axis in ("valence", "arousal")]
    estimates = [estimate(6.0, *said), *(estimate(6.5 + 0.5 * number, *withheld) for number in range(20))]
    (line,) = at_the_end.answers(estimates, {**summary, "bundles": [SIMULATED]})
    assert line.startswith("valence and arousal, last at 6.0 s of 16.0 s: valence low 10%")
    assert line.endswith("nothing in the 20 decisions since: the EEG is unlike any")
    (line,) = at_the_end.answers(estimates[:3], {**summary, "bundles": [SIMULATED]})
    assert line.startswith("at the end: valence low 10%")
