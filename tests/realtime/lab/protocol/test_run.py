"""The course of a protocol on a fake clock: screens, markers, answers, pause, repeat, abort."""

from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.realtime.lab.protocol.plan import Plan, Question, Screen
from moodring.realtime.lab.protocol.run import ProtocolRun
from moodring.realtime.lab.protocol.stimulus_files import Stimulus

QUESTIONS = (Question("valence"), Question("arousal"), Question("keyword", words=("joy", "fear")))
ANSWERS = {"valence": 7, "arousal": 3, "keyword": "joy"}


def stimulus(name: str, seconds: float = 4.0) -> Stimulus:
    return Stimulus(name, "picture", Path(f"{name}.png"), seconds, False)


def trial(number: int, name: str) -> tuple[Screen, ...]:
    return (
        Screen("fixation", number, 1.0),
        Screen("stimulus", number, 4.0, stimulus=stimulus(name)),
        Screen("blank", number, 0.5),
        Screen("rating", number, questions=QUESTIONS),
    )


PLAN = Plan(
    "test",
    (
        Screen("text", words="hello"),
        Screen("rest", seconds=10.0, eyes="closed"),
        Screen("rest", seconds=10.0, eyes="open"),
        *trial(0, "beach"),
        Screen("pause", seconds=5.0),
        *trial(1, "spider"),
        Screen("text", seconds=2.0, words="thanks"),
    ),
)


class Course:
    """Steps a run on a clock of its own, and keeps the markers with the moments at which they came."""

    def __init__(self, plan: Plan = PLAN) -> None:
        self.run, self.now_s = ProtocolRun(plan), 0.0
        self.markers: list[tuple[float, str]] = []

    def step(self):
        moment = self.run.step(self.now_s)
        self.markers += [(round(self.now_s, 3), text) for text in moment.markers]
        return moment

    def wait(self, seconds: float):
        """Go on in frames of 10 ms."""
        for _ in range(round(seconds / 0.01)):
            self.now_s += 0.01
            moment = self.step()
        return moment

    def wait_for(self, kind: str):
        while (moment := self.step()).screen is None or moment.screen.kind != kind:
            assert self.now_s < 300.0, f"no {kind} came"
            self.now_s += 0.01
        return moment

    def to_first_stimulus(self):
        self.step()
        self.run.go_on(self.now_s)
        return self.wait_for("stimulus")


def texts(course: Course) -> list[str]:
    return [text for _, text in course.markers]


def near(at_s: float):
    return pytest.approx(at_s, abs=0.06)


def test_a_whole_course() -> None:
    course = Course()
    course.step()
    course.wait(3.0)
    course.run.go_on(course.now_s)
    course.wait_for("rating")
    course.wait(2.5)
    course.run.rate(course.now_s, ANSWERS)
    course.wait(7.0)
    course.run.go_on(course.now_s)
    course.wait_for("rating")
    course.run.rate(course.now_s, {"valence": 2, "arousal": 9, "keyword": "fear"})
    moment = course.wait(3.0)
    assert (moment.ended, moment.screen, moment.done) == ("finished", None, 1.0)
    assert [(at_s, text) for at_s, text in course.markers] == [
        (0.0, "protocol_start"),
        (near(3.0), "eyes_closed_start"),
        (near(13.01), "eyes_closed_end"),
        (near(13.01), "rest_start"),
        (near(23.01), "rest_end"),
        (near(23.01), "fixation"),
        (near(24.01), "stimulus_beach"),
        (near(28.01), "stimulus_end"),
        (near(31.02), "rating valence=7 arousal=3"),
        (near(31.02), "keyword joy"),
        (near(31.02), "pause_start"),
        (near(38.02), "pause_end"),
        (near(38.02), "fixation"),
        (near(39.02), "stimulus_spider"),
        (near(43.02), "stimulus_end"),
        (near(43.53), "rating valence=2 arousal=9"),
        (near(43.53), "keyword fear"),
        (near(45.53), "protocol_end"),
    ]


def test_late_frames_do_not_add_up_and_no_screen_is_missed() -> None:
    plan = Plan("t", tuple(Screen("fixation", n, 1.0) for n in range(50)))
    course = Course(plan)
    random = np.random.default_rng(1)
    while not course.step().ended:
        course.now_s += random.uniform(0.01, 0.05)
    assert course.now_s == pytest.approx(50.0, abs=0.1)
    # A machine that stood still for a minute shows what comes next for its whole time.
    course = Course()
    course.to_first_stimulus()
    course.now_s += 60.0
    assert course.step().screen.kind == "blank"
    course.now_s += 0.4
    assert course.step().screen.kind == "blank"
    assert texts(course).count("stimulus_end") == 1


def test_markers_come_once() -> None:
    course = Course()
    course.to_first_stimulus()
    assert course.run.step(course.now_s).markers == ()
    assert texts(course).count("stimulus_beach") == 1


def test_who_goes_on_too_early_or_elsewhere_changes_nothing() -> None:
    course = Course()
    course.to_first_stimulus()
    course.run.go_on(course.now_s)
    assert course.step().screen.kind == "stimulus"
    course.wait_for("rating")
    course.run.go_on(course.now_s)
    assert course.step().screen.kind == "rating"
    course.run.rate(course.now_s, ANSWERS)
    course.wait(2.0)
    course.run.go_on(course.now_s)
    assert course.step().screen.kind == "pause"
    course.wait(4.0)
    course.run.go_on(course.now_s)
    assert course.step().screen.kind == "fixation"


@pytest.mark.parametrize(
    "answers",
    [
        {},
        {"valence": 7, "arousal": 3},
        {**ANSWERS, "valence": 10},
        {**ANSWERS, "valence": 0},
        {**ANSWERS, "keyword": "x"},
        {**ANSWERS, "arousal": "3"},
    ],
)
def test_an_answer_that_cannot_be_is_refused_and_asked_again(answers) -> None:
    course = Course()
    course.to_first_stimulus()
    with pytest.raises(MoodringError, match="nothing is asked now"):
        course.run.rate(course.now_s, ANSWERS)
    course.wait_for("rating")
    with pytest.raises(MoodringError, match="was expected"):
        course.run.rate(course.now_s, answers)
    assert course.wait(1.0).screen.kind == "rating"
    assert not [text for text in texts(course) if text.startswith(("rating", "keyword"))]
    course.run.rate(course.now_s, ANSWERS)
    course.step()
    assert texts(course)[-3:] == ["rating valence=7 arousal=3", "keyword joy", "pause_start"]


def test_a_pause_within_a_stimulus_breaks_the_trial_off_and_begins_it_anew() -> None:
    course = Course()
    course.to_first_stimulus()
    course.wait(1.0)
    course.run.pause(course.now_s)
    course.run.pause(course.now_s)
    moment = course.wait(100.0)
    assert (moment.paused, moment.screen, moment.left_s) == (True, None, None)
    course.run.resume(course.now_s)
    moment = course.step()
    assert (moment.screen.kind, moment.paused) == ("fixation", False)
    course.wait_for("rating")
    course.run.rate(course.now_s, ANSWERS)
    course.step()
    assert texts(course)[5:] == [
        "fixation", "stimulus_beach", "stimulus_end", "trial_broken_off", "pause_start", "pause_end",
        "fixation", "stimulus_beach", "stimulus_end", "rating valence=7 arousal=3", "keyword joy", "pause_start",
    ]  # fmt: skip


def test_a_pause_while_rating_asks_again() -> None:
    course = Course()
    course.to_first_stimulus()
    course.wait_for("rating")
    course.run.pause(course.now_s)
    with pytest.raises(MoodringError):
        course.run.rate(course.now_s, ANSWERS)
    course.run.resume(course.now_s)
    assert course.step().screen.kind == "rating"
    assert texts(course).count("stimulus_beach") == 1


def test_a_rest_that_was_paused_begins_anew() -> None:
    course = Course()
    course.step()
    course.run.go_on(course.now_s)
    course.wait(15.0)
    course.run.pause(course.now_s)
    course.wait(5.0)
    course.run.resume(course.now_s)
    assert course.step().left_s == pytest.approx(10.0)
    assert texts(course)[-5:] == ["rest_end", "trial_broken_off", "pause_start", "pause_end", "rest_start"]


@pytest.mark.parametrize("kind", ["stimulus", "blank", "rating"])
def test_a_trial_is_shown_again(kind: str) -> None:
    course = Course()
    course.to_first_stimulus()
    course.wait_for(kind)
    course.run.repeat(course.now_s)
    assert course.step().screen.kind == "fixation"
    course.wait_for("rating")
    assert texts(course).count("stimulus_beach") == 2
    assert texts(course).count("trial_broken_off") == 1
    assert texts(course).count("stimulus_end") == 2


def test_between_trials_the_one_before_is_shown_again() -> None:
    course = Course()
    course.step()
    course.run.repeat(course.now_s)
    assert course.step().screen.kind == "text"
    course.to_first_stimulus()
    course.wait_for("rating")
    course.run.rate(course.now_s, ANSWERS)
    course.wait_for("pause")
    course.run.repeat(course.now_s)
    course.wait_for("stimulus")
    assert texts(course)[-4:] == ["pause_start", "pause_end", "fixation", "stimulus_beach"]


@pytest.mark.parametrize("paused", [False, True])
def test_it_can_be_ended_at_any_time(paused: bool) -> None:
    course = Course()
    course.to_first_stimulus()
    if paused:
        course.run.pause(course.now_s)
    course.run.abort(course.now_s)
    course.run.abort(course.now_s)
    moment = course.wait(10.0)
    assert (moment.ended, moment.screen) == ("aborted", None)
    assert texts(course).count("trial_broken_off") == 1
    assert texts(course)[-1] == "protocol_aborted"
    for act in (course.run.pause, course.run.resume, course.run.repeat, course.run.go_on):
        act(course.now_s)
    assert course.step().markers == ()
    before = ProtocolRun(PLAN)
    before.abort(0.0)
    assert before.step(1.0).ended == "aborted"


def test_a_plan_without_screens_is_refused() -> None:
    with pytest.raises(ValueError, match="shows nothing"):
        ProtocolRun(Plan("empty", ()))
