"""What an estimate rests on, in the window: the strip under each chart, the EEG's distance, the policy's line."""

from dataclasses import replace

import numpy as np
import pytest

from moodring.realtime.ui import theme
from tests.realtime.ui.test_window import pixels, play, share_of

pytestmark = pytest.mark.qt


def test_the_strip_says_what_would_be_said_without_a_part(window, stage):
    window.resize(1366, 768)
    play(window, stage, 0, 9.5)
    assert window.valence.ablations.isHidden(), "no room is taken before there is one"
    play(window, stage, 58, 60)
    estimate = stage.snapshot().estimate
    for panel, axis in ((window.valence, "valence"), (window.arousal, "arousal")):
        strip = panel.ablations
        assert not strip.isHidden()
        rows = {one.without: one.probabilities[axis] for one in estimate.ablations}
        expected = []
        for name, words_ in (("eeg", "EEG"), ("face", "face"), ("last_look", "last look")):
            best = int(np.argmax(rows[name]))
            expected.append(f"without {words_} {('low', 'medium', 'high')[best]} {rows[name][best]:.0%}")
        assert list(strip.texts) == expected
        drawn = pixels(strip)
        width = drawn.shape[1] // 3
        for cell, name in enumerate(("eeg", "face", "last_look")):
            bar = drawn[-10:, cell * width : (cell + 1) * width]
            shown = [share_of(bar, theme.LEVEL_COLOURS[level], 30) for level in range(3)]
            assert int(np.argmax(shown)) == int(np.argmax(rows[name])), (axis, name)


@pytest.mark.parametrize(
    ("room", "names"),
    [(300, ["without EEG", "without face", "without last look"]), (150, ["no EEG", "no face", "no look"])],
)
def test_cells_that_are_narrow_still_say_that_a_part_is_left_out(window, stage, room, names):
    play(window, stage, 58, 60)
    words = window.valence.ablations.words(lambda text: 8 * len(text), room)
    assert [name for name, _ in words] == names
    assert all(answer.endswith("%") for _, answer in words)


def test_a_part_that_cannot_be_withheld_any_more_leaves_its_place_empty(window, stage):
    play(window, stage, 20, 30)
    heights = window.valence.ablations.height()
    snapshot = stage.snapshot()
    left = tuple(one for one in snapshot.estimate.ablations if one.without == "face")
    stage.changes = {"estimate": replace(snapshot.estimate, ablations=left)}
    window.tick()
    texts = window.valence.ablations.texts
    assert texts[0] == "without EEG –"
    assert texts[1].startswith("without face ")
    assert texts[1][-1] == "%"
    assert texts[2] == "without last look –"
    assert window.valence.ablations.height() == heights


def test_the_distance_of_the_eeg_is_told_and_red_beyond_its_limit(window, stage):
    play(window, stage, 20, 30)
    told = stage.snapshot().estimate.domain_distances[0]
    assert window.eeg.distance.text() == f"domain distance {told.distance:.1f}, limit 1.6"
    near = window.eeg.distance.property("tint")
    estimate = replace(stage.snapshot().estimate, domain_distances=(replace(told, distance=4.25),))
    stage.changes = {"estimate": estimate}
    window.tick()
    assert window.eeg.distance.text() == "domain distance 4.2, limit 1.6"
    assert window.eeg.distance.property("tint") == theme.TONES["bad"] != near
    stage.changes = {"estimate": replace(estimate, domain_distances=(replace(told, distance=None),))}
    window.tick()
    assert window.eeg.distance.text() == ""


def test_why_the_last_frame_was_looked_at_or_not_is_told(window, stage):
    play(window, stage, 20, 30)
    estimate = stage.snapshot().estimate
    frame = estimate.periphery[-1]
    for one, expected in (
        (replace(frame, looked=False, gain=-0.2), "not looked, gain -0.20 ≤ price 0.03 · expression 40% · motion 0.08"),
        (replace(frame, looked=True, gain=0.05), "looked, gain 0.05 > price 0.03 · expression 40% · motion 0.08"),
        (replace(frame, looked=True, why="longest_wait"), "looked, 10 s without a look"),
    ):
        stage.changes = {"estimate": replace(estimate, periphery=(frame, one))}
        window.tick()
        assert window.policy.text().startswith(expected)
    stage.changes = {"estimate": replace(estimate, periphery=())}
    window.tick()
    assert window.policy.text() == ""


def test_a_picture_that_no_look_saw_says_when_the_last_look_was(window, stage):
    play(window, stage, 20, 30)
    last = window.view.history.looks[-1]
    stage.changes = {"now_s": last.time_s + 1.0}
    window.tick()
    assert window.face.caption == ("face of 1.0 s ago" if last.face is not None else "no face in the last look")
    stage.changes = {"now_s": last.time_s + 7.0}
    window.tick()
    assert window.face.caption == "last look 7 s ago"
