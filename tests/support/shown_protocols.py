"""A short protocol, a clock that a test moves, and somebody who takes markers: for what presents protocols."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from moodring.realtime.lab.protocol.plan import Plan, Question, Screen
from moodring.realtime.lab.protocol.presenter import Presenter
from moodring.realtime.lab.protocol.stimulus_files import Stimulus

QUESTIONS = (
    Question("valence"),
    Question("arousal"),
    Question("dominance"),
    Question("familiarity"),
    Question("keyword", words=("joy", "interest", "calm", "sadness", "fear", "anger", "disgust", "nothing")),
)


@dataclass
class Moved:
    """A clock that goes when it is told to."""

    time_s: float = 100.0

    def now(self) -> float:
        return self.time_s


@dataclass
class Taken:
    """Takes markers, or has lost its engine."""

    sent: list = field(default_factory=list)
    lost: str = ""
    unsaved: str = ""

    def send(self, text, time_s):
        self.sent.append((text, time_s))

    @property
    def texts(self):
        return [text for text, _ in self.sent]


class Held:
    """A stimulus without files: ready at once, or when the test says so; one picture for each tenth of a second."""

    def __init__(self, stimulus, output, most):
        self.stimulus, self.error, self.ready, self.closed = stimulus, "", True, False
        self.begun_s = None
        self.images = [np.full((60, 80, 3), 20 * n % 250, np.uint8) for n in range(100)]

    def begun(self, now_s):
        if self.ready and self.begun_s is None:
            self.begun_s = now_s
        return self.ready

    def late(self, now_s):
        return False

    def image(self, now_s):
        if self.stimulus.kind == "sound":
            return None
        number = 0 if self.stimulus.kind == "picture" else int((now_s - self.begun_s) * 10 + 1e-6)
        return self.images[number]

    def close(self):
        self.closed = True


def stimulus(name, kind="film", seconds=2.0):
    return Stimulus(name, kind, Path(f"{name}.mkv"), seconds, kind != "picture")


def trial(number, shown, questions=QUESTIONS):
    return (
        Screen("fixation", number, 1.0),
        Screen("stimulus", number, shown.seconds, stimulus=shown),
        Screen("blank", number, 0.5),
        Screen("rating", number, questions=questions),
    )


PLAN = Plan(
    "short",
    (
        Screen("text", words="Welcome."),
        Screen("rest", seconds=3.0, eyes="closed"),
        Screen("rest", seconds=3.0, eyes="open"),
        *trial(0, stimulus("beach", "picture")),
        Screen("pause", seconds=2.0, words="A break."),
        *trial(1, stimulus("disc")),
        *trial(2, stimulus("chord", "sound")),
        Screen("text", seconds=1.0, words="Thanks."),
    ),
)


class Shown:
    """A presenter on such a clock."""

    def __init__(self, plan=PLAN, prepare=None, output=None):
        self.clock, self.markers, self.made = Moved(), Taken(), []

        def held(*arguments):
            self.made.append((prepare or Held)(*arguments))
            return self.made[-1]

        self.presenter = Presenter(plan, self.markers, output, (1024, 700), held)

    def frame(self, seconds=0.02):
        """Let a frame go by: shown 3 ms after it was asked for."""
        self.clock.time_s += seconds
        scene = self.presenter.step(self.clock.now())
        self.clock.time_s += 0.003
        self.presenter.shown(self.clock.now())
        return scene

    def until(self, kind, most_s=60.0):
        """Let frames go by until a kind of screen is up."""
        give_up_s = self.clock.now() + most_s
        while True:
            scene = self.frame()
            if scene.screen is not None and scene.screen.kind == kind:
                return scene
            assert self.clock.now() < give_up_s, f"no {kind} came: {scene}"

    def frames(self, seconds):
        """Let frames go by for a while; return the last scene."""
        until_s = self.clock.now() + seconds
        scene = self.frame()
        while self.clock.now() < until_s:
            scene = self.frame()
        return scene

    def rate(self, *options):
        """Answer every question by the number of an option."""
        for option in options:
            self.presenter.sheet.choose(option)
            self.presenter.go_on(self.clock.now())
