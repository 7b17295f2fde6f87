"""Every fault of docs/faults.md on the live page: what is wrong, in words that are seen whole.

The faults of sources run on the virtual clock, through the real ingest, health and decider; those of recording, disk
and engine are shown from snapshots as the engine publishes them.
"""

import itertools
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt5.QtWidgets import QApplication

from moodring.models.contract import SourceStatus
from moodring.models.streaming.clock import VirtualClock
from moodring.realtime.screens import wording
from moodring.realtime.ui import strings, theme
from tests.support.faults import FAULTS, Fault
from tests.support.labels_cut import cut_labels
from tests.support.scripted_sources import BEGIN_S, ScriptedSession, ScriptedSource

pytestmark = pytest.mark.qt
ON_SOURCES = [fault for fault in FAULTS if fault.modality is not None]
PICTURES = os.environ.get("MOODRING_FAULT_PICTURES")
"""A folder for a picture of each, to be looked at."""
WARM_S, CALM_S = 6.3, 6.0
LOOK_EVERY, FIGURE = 4, re.compile(r"[\d.]+")
STATES = {
    "stale": "▲ no new samples", "lost": "■ lost", "gap": "▲ gap", "rate_off": "▲ rate off",
    "clock_jump": "▲ clock jumped",
}  # fmt: skip


@pytest.fixture
def session(fakes):
    clock = VirtualClock(BEGIN_S)
    made = ScriptedSession(
        fakes.fake_models(), clock, [ScriptedSource(modality, clock) for modality in ("eeg", "face", "speech")]
    )
    yield made
    made.close()


def looks_at(session: ScriptedSession, fault: Fault):
    """What a screen would be given while a fault comes and passes: statuses and estimate, where any state changes."""
    seen, step_number = [], itertools.count()

    def look():
        if next(step_number) % LOOK_EVERY:
            return
        statuses = tuple(channel.status(session.clock.now()) for channel in session.channels)
        estimate = session.decisions[-1].estimate if session.decisions else None
        told = tuple(
            (one.health, one.error, FIGURE.sub("", one.why), round((one.figures.drift_ppm or 0.0) / 500))
            for one in statuses
        )
        told = told, estimate is not None and estimate.used
        if not seen or seen[-1][0] != told:
            seen.append((told, statuses, estimate))

    session.run_for(WARM_S + min(fault.steps[0].at_s, 0.0))
    at_s = min(fault.steps[0].at_s, 0.0)
    for step in fault.steps:
        session.run_for(step.at_s - at_s, look)
        at_s = step.at_s
        step.inject(session.sources[fault.modality])
    session.run_for(fault.back_s - at_s + CALM_S, look)
    return [(statuses, estimate) for _, statuses, estimate in seen]


def show(window, stage, script, **changes):
    stage.override = lambda: replace(script.snapshot_at(stage.t, stage.places), **changes)
    window.tick()
    for _ in range(3):  # a line more of notices moves everything below it
        QApplication.processEvents()


def seen_whole(window, card):
    """Whether the words of a card are seen whole: on it, or where it has failed, in the bar of notices."""
    notices = window.notices
    why = card.figures.text().split(" · ")[0]
    return not cut_labels(card) or (why in notices.text.text() and not cut_labels(notices))


def picture(window, name):
    if PICTURES:
        window.grab().save(str(Path(PICTURES) / f"{re.sub('[^a-z]+', '-', name.lower())}.png"))


@pytest.mark.parametrize("fault", ON_SOURCES, ids=lambda fault: fault.name)
def test_a_fault_of_a_source_is_told_on_its_card(window, stage, script, session, fault):
    stage.to(40.0)
    window.resize(1024, 700)
    window.rebuild()
    seen, taken = [], False
    for statuses, estimate in looks_at(session, fault):
        show(window, stage, script, sources=statuses, estimate=estimate)
        card = window.health.cards[fault.modality]
        words = card.figures.text()
        seen.append((card.state.text(), card.used.text(), card.figures.text()))
        others = [one.state.text() for name, one in window.health.cards.items() if name != fault.modality]
        assert others == ["● live", "● live"], "what is well says so"
        if not taken and (re.search(fault.says, words) or (not fault.states and "clock runs" in words)):
            taken = True
            picture(window, fault.name)
            assert seen_whole(window, card)
    states = [state for state, _, _ in seen]
    assert taken, seen
    if fault.states:
        assert {*(STATES[state] for state in fault.states), "■ failed"} & set(states), states
    if fault.unused:
        assert strings.NOT_IN_ESTIMATE in [used for _, used, _ in seen]
    assert seen[-1][:2] == ("● live", strings.IN_ESTIMATE), "and it is over"


def test_a_clock_that_is_far_off_is_told_in_seconds_an_hour(script):
    status = script.source("eeg")
    for ppm, words in ((2700.0, "its clock runs 9.7 s an hour fast"), (-1000.0, "its clock runs 3.6 s an hour slow")):
        assert words in wording.worries(replace(status, figures=replace(status.figures, drift_ppm=ppm)))
    assert not wording.worries(replace(status, figures=replace(status.figures, drift_ppm=40.0)))


MISSING = SourceStatus(
    "speech", "microphone 'USB'", True, "searching", None, None, 0, None, None, (), (), None, (), None
)
CASES = {
    "a reader that falls behind": (
        "speech", lambda one: replace(one, figures=replace(one.figures, skipped_samples=4096)),
        "● live", "4096 samples skipped: this computer is too busy",
    ),
    "sound lost by the driver": (
        "speech", lambda one: replace(one, figures=replace(one.figures, overflows=3)),
        "● live", "sound was lost 3 times on its way: this computer is too busy",
    ),
    "a source that is not there": ("speech", lambda _: MISSING, "○ searching", "lost"),
    "a device that fails": (
        "face", lambda one: replace(one, health="lost", error="camera 0 does not open; unplug it and plug it in again"),
        "■ failed", "camera 0 does not open; unplug it and plug it in again",
    ),
    "a source with a long error": (
        "eeg", lambda one: replace(one, health="lost", error=(
            "EEG stream 'amplifier-of-room-2' came back with another number of channels: 10 expected, 6 came; set the "
            "device as it was, or start another session")), "■ failed", "or start another session",
    ),
}  # fmt: skip


@pytest.mark.parametrize("size", [(1024, 700), (1366, 768)])
@pytest.mark.parametrize("name", CASES)
def test_what_else_goes_wrong_with_a_source_is_told_whole(window, stage, script, name, size):
    stage.to(40.0)
    window.resize(*size)
    window.rebuild()
    modality, change, state, words = CASES[name]
    statuses = tuple(change(one) if one.modality == modality else one for one in script.snapshot_at(40.0).sources)
    show(window, stage, script, sources=statuses)
    card = window.health.cards[modality]
    picture(window, f"{name} {size[0]}")
    assert card.state.text() == state
    assert words in card.figures.text()
    assert seen_whole(window, card)
    assert (window.width(), window.height()) == size


def test_a_camera_that_is_lost_says_so_over_its_dimmed_picture(window, stage, script):
    stage.to(40.0)
    statuses = tuple(
        replace(one, health="lost", why="silent for 5.2 s") if one.modality == "face" else one
        for one in script.snapshot_at(40.0).sources
    )
    show(window, stage, script, sources=statuses)
    assert window.face.caption == "camera lost"
    assert not window.face._live


RECORDING = {
    "recorder killed": (
        {"news": "the recorder has died; what it wrote is kept, starting part 2", "lsl": False}, "has died",
        "LSL starting",
    ),
    "disk full": (
        {"on": False, "error": "no space left on device"}, "NOT RECORDING: no space left on device",
        "recording stopped",
    ),
    "disk nearly full": ({"disk_low": True, "minutes_left": 7.0}, "", "7 min left"),
    "marker stream missing": ({"missing": ("PsychoPy",)}, "NOT RECORDED: PsychoPy", "1 stream(s) missing"),
    "pictures missed": ({"lost_frames": 12}, "", "12 missed"),
}  # fmt: skip


@pytest.mark.parametrize("name", RECORDING)
def test_a_fault_of_the_recording_is_told_in_the_header_and_with_its_reason(window, stage, script, name):
    from moodring.realtime.engine.notices import recording_notices

    stage.to(40.0)
    changes, notice, header = RECORDING[name]
    status = script.recording(**changes)
    show(window, stage, script, recording=status, notices=recording_notices(status))
    picture(window, name)
    assert header in window.header.recording.text()
    assert window.header.recording.property("tint") in (theme.TONES["bad"], theme.TONES["warn"])
    assert notice in window.notices.text.text()
    assert not cut_labels(window.notices)


def test_an_engine_that_does_not_answer_is_told_with_what_is_to_happen(window, stage):
    stage.to(40.0)
    window.tick()
    stage.now += 6.0
    stage.override = lambda: None
    window.tick()
    picture(window, "engine gone")
    assert window.overlay.isVisible()
    assert "has not answered for 6 s" in window.overlay.text
    assert "goes on as soon as it returns" in window.overlay.text
    assert window.header.phase.text() == f"■ {strings.ENGINE_GONE}"


def test_every_fault_of_the_table_is_here():
    shown = {fault.name for fault in ON_SOURCES} | set(RECORDING)
    assert {fault.name for fault in FAULTS} - shown == {"screen killed"}, "which has no page to say so"
