import io
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from moodring.models.contract import DomainDistance, FaceBox, Hearing, Look, Periphery
from moodring.models.signals.speech.microphone_level import check_microphone
from moodring.realtime.screens import at_the_end, evidence, wording
from moodring.realtime.screens.history import empty, extended
from moodring.realtime.screens.plain_line import line
from moodring.realtime.screens.terminal import ASCII, picture, run_dashboard, spark
from tests.support.heads import with_head, without_answer


def drawn(snapshot, history=None, **options):
    """The picture as the lines of an 80 x 24 terminal."""
    console = Console(width=80, height=24, record=True, file=io.StringIO(), force_terminal=True)
    console.print(picture(snapshot, history or empty(snapshot), **options))
    return console.export_text(clear=False).splitlines(), console.export_text(styles=True)


def played(script, stop):
    history = empty()
    for k in range(int(stop * 2) + 1):
        snapshot = script.snapshot_at(k / 2)
        history = extended(history, snapshot)
    return snapshot, history


def test_everything_fits_80_by_24(script):
    lines, _ = drawn(*played(script, 95.0))
    text = "\n".join(lines)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    for word in ("● decoding", "▲ demonstration model, not valid for people", "Valence, felt", "Arousal, felt"):
        assert word in text
    for word in (
        "EEG",
        "● live",
        "256 / 256 Hz",
        "delay undeclared",
        "143/212 ms",
        "534/61/510 ms",
        "187 decisions, 0 skipped",
    ):
        assert word in text
    assert "medium    ███████████████▏    84%" in text
    assert "true" in text


def test_colour_goes_with_words(script):
    _, styled = drawn(*played(script, 30.0))
    assert "\x1b[32m● decoding" in styled
    lost = script.snapshot_at(30.0, sources=(script.source("eeg", health="lost"),))
    lines, styled = drawn(lost)
    assert "■ lost" in "\n".join(lines)
    assert "\x1b[1;31m■ lost" in styled


def test_resting_connecting_and_silence(script):
    assert "resting: baseline, 8 s left" in drawn(script.snapshot_at(12.0))[0][0]
    assert "connecting: 0 of 3 sources found" in drawn(script.silent(3.0))[0][0]
    assert "engine has not answered for 7 s" in drawn(script.snapshot_at(30.0), silent_s=7.0)[0][0]
    assert drawn(None, empty(), why="none runs")[0][0].strip() == "○ waiting for an engine: none runs"


def test_no_speech_and_undecided(script):
    snapshot = script.snapshot_at(59.0)
    estimate = with_head(snapshot.estimate, "valence", kept=(0, 1, 2), abstained="no face for 12 s")
    snapshot = replace(snapshot, estimate=estimate)
    text = "\n".join(drawn(snapshot)[0])
    assert "no speech" in text
    assert "undecided" in text
    assert "no face for 12 s" in text


def test_a_failed_source_says_why_and_an_absent_one_that_it_is_absent(script):
    sources = (script.source("eeg", error="EEG stream 'X' ended"), script.source("face", configured=False))
    text = "\n".join(drawn(script.snapshot_at(30.0, sources=sources))[0])
    assert "■ failed" in text
    assert "EEG stream 'X' ended" in text
    assert "left out of the config" in text
    assert "no microphone" in text


def test_a_terminal_of_ascii_gets_ascii(script):
    console = Console(width=80, file=io.StringIO(), record=True, safe_box=True)
    snapshot, history = played(script, 30.0)
    console.print(picture(snapshot, history, glyphs=ASCII))
    text = console.export_text()
    assert "####" in text
    assert "* decoding" in text
    assert not set(text) & set("█▁●▲")


def test_the_sparkline_follows_the_value():
    times = np.arange(0.0, 60.5, 0.5)
    values = np.linspace(-1, 1, len(times)).astype(np.float32)
    text = spark(times, values, 40)
    assert len(text) == 40
    assert (text[0], text[-1]) == ("▁", "█")
    assert list(text) == sorted(text)
    assert spark(times[-20:], values[-20:], 40).startswith(" " * 30)
    assert spark(times[:0], values[:0], 7) == " " * 7


def test_one_plain_line(script):
    text = line(script.snapshot_at(30.0))
    assert text.startswith("0:31 decoding | valence ")
    assert (
        "EEG live, Face live, Speech live | latency 143/212 ms | information age 534 / 61 / 510 ms | "
        "demonstration model" in text
    )
    assert line(script.snapshot_at(30.0), 4.0).startswith("engine 'demo' has not answered for 4 s; the last it said")
    assert line(None, 0.0, "none runs") == "waiting for an engine: none runs"


class Times:
    """A clock that only waiting moves."""

    def __init__(self, stage, limit=1000):
        self.stage, self.now, self.limit = stage, 0.0, limit

    def clock(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds
        if self.now > self.limit:
            raise KeyboardInterrupt


def test_a_pipe_gets_one_line_per_second_until_the_session_ends(script, stage):
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    times = Times(stage)
    stage.override = lambda: script.snapshot_at(30.0 + times.now, phase="ended" if times.now >= 3 else "decoding")
    assert run_dashboard(stage, console, clock=times.clock, wait=times.wait) == 0
    lines = console.file.getvalue().splitlines()
    assert [text.split(" | ")[0] for text in lines] == [
        "0:31 decoding",
        "0:32 decoding",
        "0:33 decoding",
        "0:34 session ended",
    ]
    assert stage.closed


def test_an_engine_that_goes_for_good_ends_the_dashboard(script, stage):
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    times = Times(stage)
    stage.override = lambda: script.snapshot_at(30.0) if times.now < 2 else None
    assert run_dashboard(stage, console, clock=times.clock, wait=times.wait) == 0
    assert "engine 'demo' has not answered for 6 s" in console.file.getvalue().splitlines()[-1]


def test_a_terminal_is_redrawn_in_place_and_given_back(script, stage):
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True)
    times = Times(stage)
    stage.override = lambda: script.snapshot_at(30.0 + times.now)
    run_dashboard(stage, console, close_after_s=1.0, clock=times.clock, wait=times.wait)
    text = console.file.getvalue()
    assert text.count("\x1b[?1049h") == 1
    assert text.count("\x1b[?1049l") == 1, "the screen before comes back"
    assert text.rindex("\x1b[?25h") > text.rindex("moodring"), "and so does the cursor"
    assert text.count("moodring") >= 4
    assert "\x1b[2J" not in text.split("moodring", 1)[1]


@pytest.mark.parametrize("terminal", [True, False])
def test_ctrl_c_leaves_the_engine_alone(script, stage, terminal):
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=terminal)
    times = Times(stage, limit=2.0)
    stage.override = lambda: script.snapshot_at(30.0)
    assert run_dashboard(stage, console, clock=times.clock, wait=times.wait) == 0
    assert stage.closed


def test_a_recording_shows_in_picture_and_line(script):
    snapshot, history = played(script, 95.0)
    snapshot = replace(snapshot, recording=script.recording(disk_low=True, minutes_left=4.0))
    lines, _ = drawn(snapshot, history)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert "▲ rec 123 MB, 4 min left" in lines[0]
    assert "| rec 123 MB, 4 min left |" in line(snapshot)
    assert "rec " not in line(replace(snapshot, recording=None))


def test_what_the_microphone_is_like_is_told_in_pictures_and_lines(script):
    snapshot = script.snapshot_at(59.0)
    hearing = Hearing(False, "the loudspeaker is playing", None, None, 0.0, -30.0)
    estimate = replace(snapshot.estimate, hearing=hearing, degraded="the participant speaks")
    for axis in ("valence", "arousal"):
        estimate = with_head(estimate, axis, kept=(1,))
    dead = check_microphone(np.zeros(48_000, np.float32))
    sources = (*snapshot.sources[:2], replace(snapshot.sources[2], sound=dead))
    snapshot = replace(snapshot, estimate=estimate, sources=sources)
    text = "\n".join(drawn(snapshot)[0])
    assert "the loudspeaker is playing" in text
    assert "less sure: the participant speaks" in text
    assert "dead input" in text
    assert "one value for 3 s" in text
    words = line(snapshot)
    assert "voice the loudspeaker is playing" in words
    assert "Speech dead input (one value for 3 s: muted, or the wrong device)" in words


def test_pooling_has_a_line_of_its_own_and_still_fits(script):
    history = empty()
    for k in range(191):
        snapshot = script.snapshot_at(k / 2, pooling=True, notices=(script.NOTICE, "another notice"))
        history = extended(history, snapshot)
    shares = [snapshot.estimate.answer(f"pooled_{axis}").shares["voice"] for axis in ("valence", "arousal")]
    lines, _ = drawn(snapshot, history)
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    told = next(text for text in lines if text.startswith("pooled "))
    assert f"({shares[0]:.0%} voice)" in told
    assert f"({shares[1]:.0%} voice)" in told
    voice = round(100 * shares[1])
    assert f"weight {100 - voice}% face and EEG, {voice}% voice" in line(snapshot)
    plain = script.snapshot_at(95.0)
    assert "pooled" not in line(plain)
    assert not any("pooled" in text for text in drawn(plain)[0])


@pytest.mark.parametrize("terminal", [True, False])
def test_a_name_cannot_act_on_the_terminal(script, terminal):
    hostile = script.snapshot_at(
        30.0, engine="\x1b[2Jown", sources=(script.source("eeg", error="amp [/x]\x1b]0;owned\x07"),)
    )
    console = Console(width=200, height=24, file=io.StringIO(), force_terminal=terminal)

    class Source:
        def snapshot(self):
            return hostile

        def why_silent(self):
            return ""

        def close(self):
            pass

    run_dashboard(Source(), console, goes_on=iter((True, False)).__next__, wait=lambda _: None)
    said = console.file.getvalue()
    assert "\x1b[2Jown" not in said
    assert "\x1b]0;" not in said
    assert "amp [/x]" in said


FACE = FaceBox(10.0, 10.0, 60.0, 80.0, 0.9)


@pytest.mark.parametrize(
    ("state", "box", "faces", "person", "words"),
    [
        ("tracked", FACE, 1, 1, "face of the last look"),
        ("tracked", FACE, 3, 2, "face of the last look, person 2; 2 others left out"),
        ("changed", FACE, 2, 2, "another face (person 2); the one before is forgotten; 1 other left out"),
        ("several", None, 4, None, "4 faces, none chosen: set face.region"),
        ("too_small", None, 1, None, "the face is too small: come closer"),
        ("none", None, 0, 1, "no face in the last look"),
        ("none", None, 2, 1, "the followed face is gone; 2 others left out"),
    ],
)
def test_whose_face_was_seen_is_told_in_words(script, state, box, faces, person, words):
    look = Look(1.0, 1.0, box, 8, state, faces, person)
    snapshot = replace(script.snapshot_at(95.0), look=look)
    assert wording.face(look).text == words
    assert words in line(snapshot)
    lines, _ = drawn(snapshot)
    assert any(words[:24] in one for one in lines)
    assert len(lines) <= 24


def test_looks_are_shown_while_nothing_is_answered(script):
    snapshot = next(one for k in range(180, 200) if (one := script.snapshot_at(k / 2)).estimate.looks)
    silent = replace(snapshot, estimate=without_answer(snapshot.estimate, "valence"))
    assert extended(empty(silent), silent).looks == snapshot.estimate.looks != ()


def test_the_summary_says_in_words_what_became_of_the_faces():
    none = {"tracked": 0, "changed": 0, "several": 0, "too_small": 0, "none": 0}
    assert at_the_end.faces(None) == ""
    assert at_the_end.faces({"looks": none | {"tracked": 9}, "most_at_once": 1, "people": 1}) == ""
    told = at_the_end.faces({"looks": none | {"several": 3, "changed": 1}, "most_at_once": 4, "people": 2})
    assert told == (
        "faces: 2 people were followed one after another, each with a state of its own, up to 4 faces at once, none "
        "chosen among several in 3 of 4 looks"
    )


def test_a_missing_model_says_what_is_missing_and_how_to_train_it(script, felt_model_missing):
    snapshot = script.snapshot_at(30.0)
    estimate = snapshot.estimate
    for axis in ("valence", "arousal"):
        estimate = with_head(estimate, axis, probabilities=None, kept=(), abstained=felt_model_missing)
    snapshot = replace(snapshot, estimate=estimate)
    lines, _ = drawn(snapshot)
    assert len(lines) <= 24
    left = " ".join(row[2:38].strip() for row in lines)
    assert " ".join(left.split()).count("no model of felt emotion in people:") == 1
    assert "moodring train" in left
    assert f"valence and arousal: {felt_model_missing}" in line(snapshot)


def test_what_would_be_said_without_a_part_has_a_line(script):
    snapshot, history = played(script, 95.0)
    rows = {one.without: one.probabilities for one in snapshot.estimate.ablations}

    def said(name):
        best = [max(range(3), key=rows[name][axis].__getitem__) for axis in ("valence", "arousal")]
        return " / ".join(
            f"{('low', 'medium', 'high')[at]} {rows[name][axis][at]:.0%}"
            for at, axis in zip(best, ("valence", "arousal"), strict=True)
        )

    lines, _ = drawn(snapshot, history)
    assert len(lines) <= 24
    told = f"without EEG {said('eeg')} · without face {said('face')}"
    assert [one.rstrip() for one in lines if one.startswith("without")] == [told], "only what fits whole"
    whole = line(snapshot)
    assert f"{told} · without last look {said('last_look')}" in whole
    assert f"EEG domain distance {snapshot.estimate.domain_distances[0].distance:.1f}, limit 1.6" in whole
    assert "gain " in whole
    less = replace(snapshot, estimate=replace(snapshot.estimate, ablations=(), domain_distances=(), periphery=()))
    assert "without" not in line(less)
    assert not any("without" in one for one in drawn(less, history)[0])


def frame(**changes):
    return replace(Periphery(1.0, False, "gain", 3, -0.2, 0.03, 0.4, 0.08, 0.1, 0.2), **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "not looked, gain -0.20 ≤ price 0.03 · expression 40% · motion 0.08 · midline theta +0.20"),
        ({"looked": True, "gain": 0.5}, "looked, gain 0.50 > price 0.03"),
        ({"looked": True, "why": "search", "gain": None}, "looked for a face"),
        ({"why": "search", "gain": None}, "no face known, next search within a second"),
        ({"looked": True, "why": "longest_wait"}, "looked, 10 s without a look"),
        ({"why": "schedule"}, "not looked, as scheduled"),
        ({"looked": True, "why": "every"}, "looked, as at every frame"),
        ({"why": "no_picture", "motion": None, "theta": None, "expression": None}, "no picture"),
    ],
)
def test_what_the_policy_went_by_is_told_in_words(script, changes, words):
    estimate = replace(script.snapshot_at(30.0).estimate, periphery=(frame(looked=True), frame(**changes)))
    assert evidence.policy(estimate).startswith(words)


def test_the_gate_that_is_nearest_to_its_limit_is_told(script):
    gates = (DomainDistance(("a",), 1.0, 2.0), DomainDistance(("b",), 0.9, 1.0), DomainDistance(("c",), None, 0.1))
    estimate = replace(script.snapshot_at(30.0).estimate, domain_distances=gates)
    assert evidence.distance(estimate) == wording.StatusText("domain distance 0.9, limit 1.0", "idle")
    far = replace(estimate, domain_distances=(*gates, DomainDistance(("d",), 5.0, 2.0)))
    assert evidence.distance(far) == wording.StatusText("domain distance 5.0, limit 2.0", "bad")
    assert evidence.distance(replace(estimate, domain_distances=gates[2:])) is None
