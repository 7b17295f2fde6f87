"""The participant's window: the whole example clicked through, keys, the mouse, screens that go, closing."""

from types import SimpleNamespace

import pytest
from PyQt5.QtCore import QPoint, QRect, QRectF, Qt
from PyQt5.QtTest import QTest

from moodring.realtime.lab.protocol.example import write_example
from moodring.realtime.lab.protocol.job import planned
from moodring.realtime.lab.protocol.playing import Playing
from moodring.realtime.ui.protocol import texts
from moodring.realtime.ui.protocol.participant_window import ParticipantWindow
from moodring.realtime.ui.protocol.scenes import CHOSEN, Patch, go_on_box, option_boxes
from tests.support.lsl_stand import wait_for
from tests.support.shown_protocols import PLAN, Shown

pytestmark = pytest.mark.qt


class Made:
    def __init__(self, qt, plan=PLAN, prepare=None, patch=None):
        self.qt = qt
        self.shown = Shown(plan, prepare)
        self.window = ParticipantWindow(self.shown.presenter, self.shown.clock.now, patch)
        self.window.resize(1024, 700)
        self.window.show()

    @property
    def screen(self):
        return self.window.scene.screen

    def frame(self, seconds=0.02):
        self.shown.clock.time_s += seconds
        self.window.tick()

    def until(self, kind, most_s=60.0):
        give_up_s = self.shown.clock.time_s + most_s
        while self.screen is None or self.screen.kind != kind:
            self.frame()
            assert self.shown.clock.time_s < give_up_s, kind
        return self.screen

    def press(self, *keys):
        for key in keys:
            QTest.keyClick(self.window, key)
        self.frame()

    def begin(self):
        self.shown.presenter.begin()
        self.frame()
        self.press(Qt.Key_Space)


@pytest.fixture
def make(qt):
    made = []

    def one(*arguments, **options):
        made.append(Made(qt, *arguments, **options))
        return made[-1]

    yield one
    for each in made:
        each.shown.presenter.close()
        each.window.end()
        each.window.deleteLater()
    qt.processEvents()


def rate_by_keys(made, *digits):
    for digit in digits:
        made.press(Qt.Key_0 + digit, Qt.Key_Space)


def test_the_whole_example_is_clicked_through(make, tmp_path):
    """Real pictures, films and sounds on a clock that runs forty times as fast."""
    plan = planned(write_example(tmp_path / "example"), "P07", "01")
    made = make(plan, Playing)
    made.shown.presenter.begin()
    rated = 0
    while made.window.scene.phase not in ("finished",):
        made.frame(0.05)
        screen = made.screen
        if screen is None:
            continue
        if screen.kind in ("text", "pause"):
            QTest.keyClick(made.window, Qt.Key_Space)
        elif screen.kind == "rating":
            for question in screen.questions:
                QTest.keyClick(made.window, Qt.Key_Right if question.words else Qt.Key_1 + rated % 9)
                QTest.keyClick(made.window, Qt.Key_Space)
            rated += 1
        elif screen.kind == "fixation" and made.shown.made:
            frames = made.shown.made[-1]._frames
            assert frames is None or wait_for(lambda frames=frames: frames.ready, 20)
    texts_sent = made.shown.markers.texts
    order = [one.stimulus.name for one in plan.screens if one.stimulus is not None]
    assert [
        one.removeprefix("stimulus_") for one in texts_sent if one.startswith("stimulus_") and one != "stimulus_end"
    ] == order
    ratings = [one for one in texts_sent if one.startswith("rating")]
    assert ratings == [f"rating valence={n % 9 + 1} arousal={n % 9 + 1} dominance={n % 9 + 1}" for n in range(14)]
    assert texts_sent.count("keyword sadness") == 14
    assert texts_sent[-1] == "protocol_end"


def test_what_is_painted_is_what_is_shown(make):
    made = make(patch=Patch("upper right", 0.1))
    corner, middle = QPoint(1020, 4), QPoint(512, 350)
    made.begin()
    made.until("fixation")
    before = made.window.grab().toImage()
    assert before.pixelColor(middle).lightness() > 200, "the cross"
    assert before.pixelColor(corner).lightness() == 0
    made.until("stimulus")
    during = made.window.grab().toImage()
    assert during.pixelColor(corner).lightness() == 255, "the patch is white with the first frame"
    assert during.pixelColor(middle).lightness() < 30, "the first picture is black"
    made.until("blank")
    after = made.window.grab().toImage()
    assert after.pixelColor(corner).lightness() == 0


def test_a_rating_by_mouse_and_keys(make):
    made = make()
    made.begin()
    made.until("rating")
    room = QRectF(made.window.rect())
    sheet = made.shown.presenter.sheet
    go_on = go_on_box(room).center().toPoint()
    QTest.mouseClick(made.window, Qt.LeftButton, pos=go_on)
    assert sheet.place == 0, "nothing is chosen yet"
    box = option_boxes(room, sheet)[6]
    QTest.mouseClick(made.window, Qt.LeftButton, pos=box.center().toPoint())
    assert sheet.answers == {"valence": 7}
    field = QPoint(round(box.center().x()) - 25, round(box.bottom()) - 8)
    assert made.window.grab().toImage().pixelColor(field).name() == CHOSEN
    QTest.mouseClick(made.window, Qt.LeftButton, pos=go_on)
    made.press(Qt.Key_9, Qt.Key_Backspace, Qt.Key_2, Qt.Key_Space)
    assert sheet.answers == {"valence": 2, "arousal": 9}
    made.press(Qt.Key_Left, Qt.Key_Left, Qt.Key_Space)
    assert sheet.place == 2
    rate_by_keys(made, 5, 6)
    made.press(Qt.Key_Right, Qt.Key_Right, Qt.Key_Return)
    assert "rating valence=2 arousal=7 dominance=5 familiarity=6" in made.shown.markers.texts


def test_a_pause_says_when_it_can_go_on(make):
    made = make()
    made.begin()
    made.until("rating")
    rate_by_keys(made, 1, 1, 1, 1, 1)
    made.until("pause")
    made.press(Qt.Key_Space)
    assert made.screen.kind == "pause", "too early"
    for _ in range(110):
        made.frame()
    made.press(Qt.Key_Space)
    assert made.screen.kind == "fixation"


def test_keys_of_the_experimenter_are_passed_on_and_the_participant_cannot_end_it(make):
    made = make()
    pressed = []
    made.window.pressed.connect(pressed.append)
    made.begin()
    made.until("stimulus")
    made.press(Qt.Key_F5, Qt.Key_F6, Qt.Key_F7, Qt.Key_F8, Qt.Key_F9)
    assert pressed == ["begin", "pause", "repeat", "skip", "abort"]
    made.press(Qt.Key_Escape, Qt.Key_Q, Qt.Key_1, Qt.Key_Backspace)
    assert made.window.scene.phase == "running"


def test_closing_the_window_pauses_with_a_sentence(make):
    made = make()
    made.begin()
    made.until("stimulus")
    made.window.close()
    made.frame()
    assert made.window.scene.phase == "paused"
    assert made.shown.presenter.progress().trouble == texts.WINDOW_CLOSED
    made.window.go_to(made.qt.screens(), "")
    assert made.window.isVisible()


def screen_named(name, x=0):
    room = QRect(x, 0, 800, 600)
    return SimpleNamespace(name=lambda: name, geometry=lambda: room, availableGeometry=lambda: room)


def test_it_has_the_second_screen_and_leaves_it_where_it_goes(make):
    made = make()
    own, other = screen_named("desk"), screen_named("booth", 800)
    assert made.window.go_to([own, other], "desk")
    assert made.window.isFullScreen()
    made.begin()
    made.until("stimulus")
    made.window.screen_gone("desk", [other])
    assert made.window.scene.phase == "running", "another screen went"
    made.window.screen_gone("booth", [own])
    made.frame()
    assert not made.window.isFullScreen()
    assert own.geometry().contains(made.window.pos())
    assert made.window.scene.phase == "paused"
    assert made.shown.presenter.progress().trouble == texts.SCREEN_GONE
    assert made.shown.markers.texts[-2:] == ["trial_broken_off", "pause_start"]
    assert made.window.go_to([own, other], "desk"), "connected again"


def test_with_one_screen_it_is_a_window(make):
    made = make()
    assert not made.window.go_to([screen_named("desk")], "desk")
    assert made.window.isVisible()
    assert not made.window.isFullScreen()


@pytest.mark.parametrize("size", [(640, 400), (1024, 700), (1920, 1080)])
def test_every_answer_has_its_place_in_the_window(make, size):
    made = make()
    made.window.resize(*size)
    made.begin()
    made.until("rating")
    room, sheet = QRectF(made.window.rect()), made.shown.presenter.sheet
    for place in range(len(sheet.questions)):
        sheet.place = place
        boxes = [*option_boxes(room, sheet), go_on_box(room)]
        assert len(boxes) == len(sheet.options) + 1
        assert all(room.contains(box) for box in boxes)
        assert not any(one.intersects(two) for n, one in enumerate(boxes) for two in boxes[:n])
        made.window.grab()
