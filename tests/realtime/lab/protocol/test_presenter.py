"""What is shown and marked, frame by frame on a fake clock: the whole course, and everything that goes wrong."""

import pytest

from moodring.realtime.lab.protocol.plan import Plan, Screen
from tests.support.shown_protocols import PLAN, Held, Shown, stimulus, trial


@pytest.fixture
def shown():
    return Shown()


def begin(shown):
    shown.presenter.begin()
    shown.frame()
    shown.presenter.go_on(shown.clock.now())


def test_nothing_is_shown_or_marked_before_it_begins(shown):
    assert shown.frames(1.0).phase == "ready"
    assert (shown.markers.sent, shown.made) == ([], [])
    assert (shown.presenter.progress().phase, shown.presenter.progress().step) == ("ready", 0)


def test_the_whole_course_and_its_markers(shown):
    begin(shown)
    shown.until("rating", 20.0)
    shown.rate(6, 2, 4, 0, 7)
    shown.until("pause")
    shown.frames(2.1)
    shown.presenter.go_on(shown.clock.now())
    shown.until("rating")
    shown.rate(1, 8, 4, 8, 4)
    shown.until("stimulus")
    shown.until("rating")
    shown.rate(4, 4, 4, 4, 0)
    while shown.frame().phase != "finished":
        pass
    assert shown.markers.texts == [
        "protocol_start", "eyes_closed_start", "eyes_closed_end", "rest_start", "rest_end",
        "fixation", "stimulus_beach", "stimulus_end",
        "rating valence=7 arousal=3 dominance=5 familiarity=1", "keyword nothing", "pause_start", "pause_end",
        "fixation", "stimulus_disc", "stimulus_end",
        "rating valence=2 arousal=9 dominance=5 familiarity=9", "keyword fear",
        "fixation", "stimulus_chord", "stimulus_end",
        "rating valence=5 arousal=5 dominance=5 familiarity=5", "keyword joy", "protocol_end",
    ]  # fmt: skip
    times_s = [at_s for _, at_s in shown.markers.sent]
    assert times_s == sorted(times_s)
    at_s = dict(shown.markers.sent[:8])
    assert at_s["stimulus_end"] - at_s["stimulus_beach"] == pytest.approx(2.0, abs=0.03)
    assert at_s["rest_end"] - at_s["rest_start"] == pytest.approx(3.0, abs=0.03)
    assert all(one.closed for one in shown.made)


def test_a_marker_has_the_time_at_which_its_frame_was_up(shown):
    begin(shown)
    shown.until("fixation")
    before = len(shown.markers.sent)
    while len(shown.markers.sent) == before:
        shown.clock.time_s += 0.004
        scene = shown.presenter.step(shown.clock.now())
        shown.clock.time_s += 0.016  # painting takes its time
        shown.presenter.shown(shown.clock.now())
    assert scene.screen.kind == "stimulus"
    assert shown.markers.sent[-1] == ("stimulus_beach", shown.clock.now())


def test_a_stimulus_that_is_late_keeps_the_cross_and_has_its_whole_time(shown):
    begin(shown)
    shown.until("fixation")
    shown.made[-1].ready = False
    scene = shown.frames(3.0)
    assert scene.screen.kind == "fixation"
    assert "stimulus_beach" not in shown.markers.texts
    shown.made[-1].ready = True
    shown.until("stimulus")
    begins_s = shown.clock.now()
    shown.until("blank")
    assert shown.clock.now() - begins_s == pytest.approx(2.0, abs=0.05)


def test_a_stimulus_left_before_its_first_frame_has_no_marker(shown):
    begin(shown)
    shown.until("fixation")
    shown.made[-1].ready = False
    shown.frames(2.0)
    shown.presenter.pause(shown.clock.now())
    shown.frame()
    assert "stimulus_beach" not in shown.markers.texts
    assert shown.markers.texts[-2:] == ["trial_broken_off", "pause_start"]
    assert "stimulus_end" not in shown.markers.texts


def test_frames_of_a_film_follow_its_time(shown):
    begin(shown)
    shown.until("rating")
    shown.rate(1, 1, 1, 1, 1)
    shown.until("pause")
    shown.frames(2.5)
    shown.presenter.go_on(shown.clock.now())
    shown.until("stimulus")
    seen = []
    while (scene := shown.frame()).screen.kind == "stimulus":
        if not seen or scene.image is not seen[-1]:
            seen.append(scene.image)
    assert len(seen) == 20
    assert [one for one in shown.markers.texts if one == "stimulus_disc"] == ["stimulus_disc"], "marked once"


def test_pause_breaks_off_and_the_trial_begins_anew(shown):
    begin(shown)
    shown.until("stimulus")
    shown.frames(0.5)
    shown.presenter.pause(shown.clock.now())
    assert shown.frame().phase == "paused"
    assert shown.markers.texts[-3:] == ["stimulus_end", "trial_broken_off", "pause_start"]
    assert shown.made[0].closed, "its sound does not go on"
    shown.presenter.resume(shown.clock.now())
    assert shown.frame().screen.kind == "fixation"
    shown.until("stimulus")
    assert shown.markers.texts.count("stimulus_beach") == 2


def test_skip_leaves_a_trial_out(shown):
    begin(shown)
    shown.until("stimulus")
    shown.presenter.skip(shown.clock.now())
    assert shown.frame().screen.kind == "pause"
    assert shown.markers.texts[-3:] == ["stimulus_end", "trial_broken_off", "pause_start"]
    shown.presenter.skip(shown.clock.now())
    assert shown.until("fixation").screen.trial == 1
    assert "pause_end" in shown.markers.texts


def test_a_stimulus_that_breaks_pauses_with_a_sentence_and_can_be_left_out(shown):
    begin(shown)
    shown.until("stimulus")
    shown.made[-1].error = "breaks off after 0.4 s of 2.0 s"
    scene = shown.frame()
    assert scene.phase == "paused"
    trouble = shown.presenter.progress().trouble
    assert "Stimulus 'beach' breaks off after 0.4 s of 2.0 s" in trouble
    assert "Skip" in trouble
    shown.presenter.skip(shown.clock.now())
    assert shown.frame().screen.kind == "pause"
    assert shown.presenter.progress().trouble == ""
    assert [one for one in shown.markers.texts if one.startswith("rating")] == []


def test_an_engine_that_goes_pauses_and_nothing_is_lost(shown):
    begin(shown)
    shown.until("stimulus")
    shown.markers.lost = "engine 'lab' has ended"
    assert shown.frame().phase == "paused"
    assert "engine 'lab' has ended" in shown.presenter.progress().trouble
    shown.presenter.resume(shown.clock.now())
    shown.frame()
    assert shown.frame().phase == "paused", "not shown for nothing"
    shown.markers.lost = ""
    shown.presenter.resume(shown.clock.now())
    shown.frame()
    assert shown.until("stimulus").phase == "running"


def test_a_marker_that_cannot_be_saved_is_told(shown):
    begin(shown)
    shown.markers.unsaved = "Marked “x”, but not saved: no space left."
    assert shown.frame().phase == "running"
    assert "no space left" in shown.presenter.progress().trouble


def test_abort_is_marked_and_final(shown):
    begin(shown)
    shown.until("stimulus")
    shown.presenter.abort(shown.clock.now())
    assert shown.frame().phase == "aborted"
    assert shown.markers.texts[-3:] == ["stimulus_end", "trial_broken_off", "protocol_aborted"]
    for deed in ("abort", "pause", "resume", "repeat", "skip"):
        getattr(shown.presenter, deed)(shown.clock.now())
    shown.frames(1.0)
    assert shown.markers.texts[-1] == "protocol_aborted"


def test_an_answer_is_corrected_before_it_is_taken(shown):
    begin(shown)
    shown.until("rating")
    sheet = shown.presenter.sheet
    shown.presenter.go_on(shown.clock.now())
    assert sheet.place == 0, "nothing is chosen"
    shown.rate(8, 1)
    sheet.back()
    sheet.back()
    shown.rate(0, 1, 1, 1, 0)
    shown.frame()
    assert "rating valence=1 arousal=2 dominance=2 familiarity=2" in shown.markers.texts


def test_the_same_stimulus_twice_in_a_row_begins_anew():
    film = stimulus("disc")
    plan = Plan("twice", (Screen("stimulus", 0, 1.0, stimulus=film), Screen("stimulus", 1, 1.0, stimulus=film)))
    shown = Shown(plan)
    shown.presenter.begin()
    while shown.frame().phase != "finished":
        pass
    assert len(shown.made) == 2
    assert shown.markers.texts == [
        "protocol_start", "stimulus_disc", "stimulus_end", "stimulus_disc", "stimulus_end", "protocol_end",
    ]  # fmt: skip


def test_a_stimulus_is_read_before_it_is_due_and_none_too_early(shown):
    begin(shown)
    shown.until("rest")
    assert shown.made == []
    shown.until("fixation")
    assert [one.stimulus.name for one in shown.made] == ["beach"]


def test_a_broken_stimulus_breaks_off_no_rating_before_it():
    class Broken(Held):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.error = "cannot be shown" if self.stimulus.name == "second" else ""

    without_cross = trial(1, stimulus("second"))[1:]
    shown = Shown(Plan("p", (*trial(0, stimulus("first")), *without_cross)), Broken)
    shown.presenter.begin()
    shown.until("rating")
    assert shown.frames(1.0).phase == "running"
    shown.rate(1, 1, 1, 1, 1)
    shown.frame()
    assert shown.frame().phase == "paused"
    assert "rating valence=2 arousal=2 dominance=2 familiarity=2" in shown.markers.texts
    assert PLAN.trials == 3
