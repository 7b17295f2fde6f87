"""What the face expresses, in the window: beside what is felt, and alone where nothing else is there."""

from dataclasses import replace

import pytest

from moodring.models.contract import FaceBox, FaceReading, Head, HeadOutput
from moodring.realtime.screens.history import empty
from moodring.realtime.ui.live.view import View
from moodring.realtime.ui.panels.face import _caption as caption_of
from tests.realtime.ui.test_window import share_of, words
from tests.support.scripted_screens import T0

pytestmark = pytest.mark.qt

CONSTRUCT = "expressed in the face"
EMOTIONS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
HEADS = (
    Head("face", CONSTRUCT, EMOTIONS),
    Head("face_valence", CONSTRUCT, scale=(-1.0, 1.0)),
    Head("face_arousal", CONSTRUCT, scale=(-1.0, 1.0)),
)
ROW = (0.1, 0.7, 0.1, 0.04, 0.02, 0.02, 0.01, 0.01)


def outputs(abstained=None):
    if abstained is not None:
        return tuple(HeadOutput(one.name, CONSTRUCT, one.classes, abstained=abstained) for one in HEADS)
    emotion = HeadOutput("face", CONSTRUCT, EMOTIONS, ROW, kept=(1,))
    return (emotion, *(HeadOutput(h.name, CONSTRUCT, value=v) for h, v in zip(HEADS[1:], (0.41, 0.37), strict=True)))


def read_at(script, t, alone, abstained=None, **reading):
    """A snapshot of a session that reads faces; alone: without EEG and without a model of what is felt."""
    made = script.snapshot_at(t, ())
    estimate = made.estimate
    seen = FaceReading(T0 + t, T0 + t, FaceBox(120.0, 60.0, 80.0, 100.0, 0.9), "tracked", 1, 1, **reading)
    kept = tuple(one for one in estimate.heads if one.name == "speech") if alone else estimate.heads
    estimate = replace(
        estimate, heads=(*kept, *outputs(abstained)), ablations=(), looks=() if alone else estimate.looks,
        face_readings=(seen,),
    )  # fmt: skip
    heads = tuple(one for one in made.heads if not alone or one.name == "speech")
    sources = (script.source("eeg", configured=not alone), *made.sources[1:])
    return replace(made, estimate=estimate, heads=(*heads, *HEADS), sources=sources)


def shown(window, stage, made):
    stage.to(52)
    stage.override = lambda: replace(made, rings=stage.places)
    stage.now += 1.0
    window.tick()


def test_the_face_alone_takes_the_room_of_what_is_not_there(window, stage, script):
    shown(window, stage, read_at(script, 52.0, alone=True))
    assert window.expression.isVisible()
    assert window.expression.answer.text() == "happiness"
    assert window.expression.place.text() == "valence +0.41, arousal +0.37"
    assert window.expression.bars.values == ROW
    hidden = (window.valence, window.arousal, window.eeg, window.glimpses, window.heads)
    assert not any(part.isVisible() for part in hidden)
    assert window.face.caption == "the face that is read"
    assert window.face._box is not None


def test_felt_and_expressed_stand_side_by_side(window, stage, script):
    stage.to(52)
    window.tick()
    before = {part: part.height() for part in (window.valence, window.arousal, window.eeg)}
    shown(window, stage, read_at(script, 52.0, alone=False))
    assert not window.expression.isVisible()
    assert window.expression_line.isVisible()
    assert window.expression_line.answer.text() == "happiness"
    assert all(part.height() >= height for part, height in before.items())
    assert window.expression_line.height() >= window.expression_line.answer.sizeHint().height()


def test_a_session_without_the_network_has_no_such_panel(window, stage):
    stage.to(52)
    window.tick()
    assert not window.expression.isVisible()
    assert not window.expression_line.isVisible()
    assert window.valence.isVisible()


def test_why_nothing_is_read_is_said(window, stage, script):
    made = read_at(script, 52.0, alone=True, abstained="the face is turned away", doubts=("turned",))
    shown(window, stage, made)
    assert "the face is turned away" in words(window.expression)
    assert window.expression.bars.values is None
    assert window.face.caption == "face not read: turned"


def test_the_plane_has_a_mark_of_the_face(window, stage, script):
    from moodring.realtime.ui import theme
    from tests.realtime.ui.test_window import pixels

    shown(window, stage, read_at(script, 52.0, alone=True, abstained="no face"))
    before = share_of(pixels(window.plane), theme.ACCENT)
    shown(window, stage, read_at(script, 52.0, alone=True))
    assert share_of(pixels(window.plane), theme.ACCENT) > before


@pytest.mark.parametrize(("glimpsed", "caption"), [(0.05, ""), (0.0, "not looked yet"), (None, "not looked yet")])
def test_a_screen_that_has_just_been_opened_does_not_deny_the_looks_before(script, glimpsed, caption):
    made = replace(script.snapshot_at(52.0, ()), glimpsed_fraction=glimpsed)
    view = View(made, made, "attached", 0.0, "", empty())
    assert caption_of(view, None) == caption
