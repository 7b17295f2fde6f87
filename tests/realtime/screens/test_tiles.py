"""The terminal's tiles of several engines."""

import io
from dataclasses import replace

from rich.console import Console

from moodring.realtime.screens.tiles import lines, run_tiles, tiles
from tests.support.heads import with_head
from tests.support.web_stand import Engines


def drawn(engines, width=80):
    console = Console(width=width, record=True, file=io.StringIO(), force_terminal=True)
    console.print(tiles(engines.look()))
    return console.export_text()


def test_two_tiles_stand_side_by_side_with_participant_answer_and_health(script):
    engines = Engines()
    lost = script.source("face", health="lost", why="silent for 3 s")
    second = script.snapshot_at(75.0, participant="P02", sources=(script.source("eeg"), lost))
    engines.show(script.snapshot_at(30.0, participant="P01"), second)
    text = drawn(engines)
    assert max(map(len, text.splitlines())) <= 80
    assert any("P01 (room-1)" in row and "P02 (room-2)" in row for row in text.splitlines())
    for word in ("2 of 2 engines answer", "● decoding", "● EEG", "■ Face lost", "valence ", "arousal ", "voice "):
        assert word in text


def test_gone_ended_and_waiting(script):
    engines = Engines()
    engines.show(script.snapshot_at(30.0), silent_s=7.0)
    assert "■ not answered for 7 s" in drawn(engines)
    engines.show(script.snapshot_at(30.0, phase="ended"), silent_s=7.0)
    assert "session ended" in drawn(engines)
    engines.show(None, why="overloaded")
    assert "waiting for it: overloaded" in drawn(engines)
    engines.show()
    assert "waiting for engines" in drawn(engines)


def test_an_undecided_answer_says_so(script):
    snapshot = script.snapshot_at(60.0)
    estimate = with_head(snapshot.estimate, "valence", kept=(0, 1, 2), abstained="no face")
    engines = Engines()
    engines.show(replace(snapshot, estimate=estimate))
    assert "valence undecided" in drawn(engines)


def test_foreign_text_does_not_act_on_the_terminal(script):
    engines = Engines()
    engines.show(script.snapshot_at(30.0, participant="P\x1b[2J"))
    assert "\x1b[2J" not in lines(engines.look())[0]
    file = io.StringIO()
    left = [True, True, False]
    run_tiles(engines, Console(file=file, width=300), goes_on=lambda: left.pop(0), wait=lambda _: None)
    assert "\x1b" not in file.getvalue()
    assert engines.closed
