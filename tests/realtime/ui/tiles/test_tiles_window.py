"""Several participants in one window: tiles, keys, the whole page of one, engines that die."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from PyQt5.QtCore import QEvent, Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QApplication

from moodring.realtime.ipc.commands import Command
from moodring.realtime.ui import strings, theme
from moodring.realtime.ui.settings import Settings
from moodring.realtime.ui.tiles.grid import columns_for, scale_of
from moodring.realtime.ui.tiles.tile_model import TileModel
from moodring.realtime.ui.tiles.window import TilesWindow
from tests.realtime.ui.conftest import ScriptedCommands
from tests.realtime.ui.test_window import pixels, share_of
from tests.support.labels_cut import cut_labels, outside, small_panels
from tests.support.scripted_engines import ScriptedEngines

pytestmark = pytest.mark.qt
SIZES = [(1024, 700), (1366, 768), (1920, 1080)]


@pytest.fixture
def lab(qt, stage, script, tmp_path):
    """A window of as many engines as a test wants, and what was sent to each."""
    stage.to(60.0)
    made, sent = [], {}

    def commands(name):
        return sent.setdefault(name, ScriptedCommands())

    def make(count, size=(1366, 768), name="dark", commands=commands):
        settings = Settings(tmp_path / f"tiles-{len(made)}.ini")
        settings.theme = name
        engines = ScriptedEngines(stage, script, count)
        window = TilesWindow(engines, commands, settings, lambda name: SimpleNamespace(**vars(Feed(stage))))
        window._timer.stop()
        window.resize(*size)
        window.show()
        window.rebuild()
        settled()
        made.append(window)
        return SimpleNamespace(window=window, engines=engines, sent=sent, stage=stage)

    yield make
    for window in made:
        window.close()
        window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.DeferredDelete)
    theme.use("dark")


class Feed:
    """The feed of one engine, for its whole page."""

    def __init__(self, stage):
        self.snapshot, self.why_silent, self.close = stage.snapshot, lambda: "", lambda: None


def settled():
    for _ in range(5):
        QApplication.processEvents()


def tick(lab):
    lab.window.tick()
    settled()
    return list(lab.window.tiles.values())


def press(widget, key, modifier=Qt.NoModifier):
    QTest.keyClick(widget, key, modifier)
    settled()


def test_every_engine_has_a_tile_that_says_who_it_is_and_how_it_stands(lab, script):
    one = lab(3)
    one.engines.changes["ben"] = {"recording": script.recording(), "notices": (script.NOTICE, "another")}
    first, second, third = tick(one)
    assert [tile.who.full for tile in (first, second, third)] == ["P01 (anna)", "P02 (ben)", "P03 (cleo)"]
    assert first.phase.full == "● decoding"
    assert second.recording.text().startswith("● rec 123 MB")
    assert first.recording.text() == ""
    assert second.notice.full == f"▲ (+1) {script.NOTICE}"
    valence, arousal = script.readout(60.0)
    kept = [script.LEVELS[i] for i in valence.kept]
    assert first.answers.full.startswith(f"valence {'/'.join(kept)}" if len(kept) < 3 else "valence undecided")
    assert [label.text() for label in first.sources.values()] == ["● EEG", "● Face", "● Speech"]
    assert first.plane._readout[0] == pytest.approx(valence.probabilities, abs=1e-3)
    assert first.plane._readout[1] == pytest.approx(arousal.probabilities, abs=1e-3)
    assert first.face._frame is not None
    assert one.window.count.text() == strings.TILES_COUNT.format(answering=3, count=3)


def test_a_source_in_trouble_is_named_with_its_reason(lab, script):
    one = lab(2)
    sources = list(script.snapshot_at(58.0).sources)
    sources[0] = replace(sources[0], health="lost", why="silent for 5.2 s")
    sources[2] = replace(sources[2], health="gap", why="0.4 s are missing")
    one.engines.changes["ben"] = {"sources": tuple(sources)}
    first, second = tick(one)
    assert [label.text() for label in second.sources.values()] == ["■ EEG", "● Face", "▲ Speech"]
    assert second.trouble.full == "EEG: silent for 5.2 s", "the worst of them"
    assert second.trouble.property("tint") == theme.TONES["bad"]
    assert first.trouble.full == ""


def test_an_engine_that_dies_says_so_in_its_tile_and_the_others_go_on(lab):
    one = lab(3)
    one.engines.silent["ben"] = (12.0, "its process has ended")
    first, second, third = tick(one)
    assert second.phase.full == f"■ {strings.ENGINE_GONE}"
    assert second.veil.text == "has not answered for 12 s\nits process has ended"
    assert second.veil.isVisible()
    assert second.veil.geometry() == second.plane.geometry().united(second.face.geometry())
    assert [label.text() for label in second.sources.values()] == ["○ EEG", "○ Face", "○ Speech"], "nothing is known"
    assert second.who.full == "P02 (ben)"
    assert not first.veil.isVisible()
    assert third.phase.full == "● decoding"
    assert one.window.count.text().startswith("2 of 3")
    one.engines.silent.clear()
    assert not tick(one)[1].veil.isVisible(), "it answers again"


def test_a_session_that_has_ended_is_told_from_an_engine_that_is_gone(lab):
    one = lab(2)
    one.engines.changes["anna"] = {"phase": "ended"}
    one.engines.silent["anna"] = (5.0, "")
    first, _ = tick(one)
    assert (first.phase.full, first.veil.text) == ("○ session ended", strings.TILE_ENDED)


def test_engines_come_and_go(lab):
    one = lab(2)
    one.engines.changes["zoe"] = {}
    assert len(tick(one)) == 3
    del one.engines.changes["ben"]
    assert [tile.who.full.split()[1] for tile in tick(one)] == ["(anna)", "(zoe)"]
    one.engines.changes.clear()
    assert tick(one) == []
    assert one.window.waiting.isVisible()


def test_before_the_first_answer_the_tile_says_that_it_waits(lab):
    one = lab(1)
    look = one.engines.look
    one.engines.look = lambda: tuple(replace(each, snapshot=None, why="it does not answer") for each in look())
    (tile,) = tick(one)
    assert tile.who.full == "anna"
    assert tile.veil.text == "it does not answer"


def test_arrows_choose_enter_opens_and_escape_goes_back(lab):
    one = lab(8)
    tiles = tick(one)
    window = one.window
    assert tiles[0].hasFocus()
    press(tiles[0], Qt.Key_Right)
    assert tiles[1].hasFocus()
    press(tiles[1], Qt.Key_Down)
    below = tiles[1 + window.columns]
    assert below.hasFocus()
    press(below, Qt.Key_Up)
    press(tiles[1], Qt.Key_Left)
    press(tiles[0], Qt.Key_Left)
    assert tiles[0].hasFocus(), "there is nothing further left"
    press(tiles[0], Qt.Key_Right)
    press(tiles[1], Qt.Key_Return)
    assert window.live is not None
    assert not tiles[1].isVisible()
    window.live._timer.stop()
    window.live.tick()
    assert window.live.view.newest.engine == one.stage.snapshot().engine
    press(window.live, Qt.Key_M)
    assert [command.kind for command in one.sent["ben"].sent] == ["mark"], "the page of the one that was chosen"
    live = window.live
    press(live, Qt.Key_Question)
    press(live, Qt.Key_Escape)
    assert window.live is live, "Escape leaves the page of keys first"
    press(live, Qt.Key_Escape)
    assert window.live is None
    assert one.sent["ben"].closed
    assert list(window.tiles.values())[1].hasFocus(), "where it was"


def test_a_click_opens_and_the_button_goes_back(lab):
    one = lab(2)
    QTest.mouseClick(tick(one)[1].plane, Qt.LeftButton)
    live = one.window.live
    assert live is not None
    assert live.controls.buttons["back"].isVisible()
    live.controls.buttons["back"].click()
    settled()
    assert one.window.live is None
    assert len(tick(one)) == 2


def test_the_whole_page_keeps_its_place_in_the_window_and_not_its_geometry(lab):
    one = lab(2, (1920, 1080))
    one.window.settings.keep_text("window/geometry", "kept")
    QTest.mouseClick(tick(one)[0], Qt.LeftButton)
    settled()
    live = one.window.live
    live._timer.stop()
    live.tick()
    live.rebuild()
    settled()
    assert live.size() == one.window.size()
    assert not cut_labels(live)
    one.window.back()
    assert one.window.settings.text_of("window/geometry") == "kept"


def test_a_window_that_only_watches_has_nothing_that_ends_a_session(lab):
    one = lab(2, commands=None)
    press(tick(one)[0], Qt.Key_E, Qt.ControlModifier)
    assert not one.window.question.isVisible()
    assert not hasattr(one.window, "end_button")
    press(one.window.tiles["0-0.00"], Qt.Key_Return)
    assert one.window.live.read_only


def test_all_sessions_end_after_a_question_each_told_once(lab):
    one = lab(3)
    one.engines.changes["ben"] = {"phase": "ended"}
    tick(one)
    one.window.end_button.click()
    assert one.window.question.text.text() == strings.TILES_END_QUESTION.format(count=2)
    assert one.sent == {}
    press(one.window.question.yes, Qt.Key_Return)
    one.window.end_all()
    assert {name: commands.sent for name, commands in one.sent.items()} == {
        "anna": [Command("stop_session")], "cleo": [Command("stop_session")],
    }  # fmt: skip
    one.window.end_button.click()
    assert not one.window.question.isVisible(), "nothing is left to end"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("count", [2, 5, 8])
def test_nothing_is_cut(lab, script, size, count):
    one = lab(count, size, "light" if count == 5 else "dark")
    sources = list(script.snapshot_at(58.0).sources)
    sources[1] = replace(sources[1], health="stale", why="silent for 0.4 s")
    one.engines.changes["ben"] = {"sources": tuple(sources), "recording": script.recording()}
    tick(one)
    window = one.window
    assert (window.width(), window.height()) == size
    assert not cut_labels(window)
    assert not small_panels(window)
    assert not outside(window)
    assert not window._area.verticalScrollBar().isVisible()


def test_more_than_fit_are_reached_by_scrolling(lab):
    one = lab(12, (1024, 700))
    tiles = tick(one)
    assert len(tiles) == 12
    tiles[0].setFocus()
    for key in (Qt.Key_Down,) * 3 + (Qt.Key_Right,) * 2:
        press(next(tile for tile in tiles if tile.hasFocus()), key)
    assert tiles[11].hasFocus()
    assert not tiles[11].visibleRegion().isEmpty()


def test_dark_and_light(lab):
    one = lab(2)
    tick(one)
    dark = pixels(one.window)
    press(one.window.tiles["0-0.00"], Qt.Key_D)
    tick(one)
    light = pixels(one.window)
    assert share_of(dark, theme.DARK["panel"]) > 0.3
    assert share_of(light, theme.LIGHT["panel"]) > 0.3


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 1), (4, 2), (8, 3)])
def test_tiles_are_as_large_as_they_can_be(count, columns):
    assert columns_for(count, 1024, 700) == columns
    assert scale_of(count, 1920, 1080) >= scale_of(count, 1024, 700)


def test_the_engines_memory_is_let_go_of(lab, stage, script):
    model = TileModel()
    engines = ScriptedEngines(stage, script, 1)
    (followed,) = engines.look()
    assert model.view(followed).frame is not None
    assert model._rings._rings
    assert model.view(replace(followed, silent_s=3.0)).frame is not None, "the last picture stays"
    assert not model._rings._rings
    model.view(followed)
    model.close()
    assert not model._rings._rings


def test_closing_lets_go_of_everything(lab):
    one = lab(2)
    QTest.mouseClick(tick(one)[0], Qt.LeftButton)
    one.window.close()
    assert one.engines.closed
    assert one.sent["anna"].closed
    assert not one.window._timer.isActive()
