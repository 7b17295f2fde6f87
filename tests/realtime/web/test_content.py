"""What the page says of an engine."""

import json
from dataclasses import replace

import numpy as np
import pytest

from moodring.realtime.ipc.engine_feeds import Followed
from moodring.realtime.screens.history import empty, extended
from moodring.realtime.web.content import tile
from moodring.realtime.web.watch import PageWatch
from tests.support.heads import with_head
from tests.support.web_stand import Engines


def shown(snapshot, silent_s=0.0, why="", **options):
    history = empty() if snapshot is None else extended(empty(), snapshot)
    return tile(Followed("e0", "room-1", snapshot, silent_s, why), history, **options)


def test_the_place_is_the_mean_over_low_medium_and_high_with_its_spread(script):
    snapshot = script.snapshot_at(60.0)
    estimate = with_head(snapshot.estimate, "valence", probabilities=(0.1, 0.2, 0.7), kept=(1, 2), abstained=None)
    estimate = with_head(estimate, "arousal", probabilities=(1.0, 0.0, 0.0), kept=(0,), abstained=None)
    plane = shown(replace(snapshot, estimate=estimate))["plane"]
    assert plane["at"] == pytest.approx([0.6, -1.0])
    assert plane["spread"] == pytest.approx([np.sqrt(0.1 * 1.6**2 + 0.2 * 0.6**2 + 0.7 * 0.4**2), 0.0], abs=1e-3)
    assert plane["why"] == ""
    assert plane["trail"] == [pytest.approx([0.6, -1.0])]


def test_an_open_answer_is_hollow_with_its_reason(script):
    snapshot = script.snapshot_at(60.0)
    estimate = with_head(snapshot.estimate, "valence", kept=(0, 1, 2), abstained="no face for 12 s")
    content = shown(replace(snapshot, estimate=estimate))
    assert content["plane"]["at"] is not None
    assert content["plane"]["why"] == "valence: no face for 12 s"
    valence = next(one for one in content["heads"] if one["name"] == "valence")
    assert (valence["answer"], valence["why"]) == ("undecided", "no face for 12 s")


def test_a_withheld_answer_has_no_place(script):
    snapshot = script.snapshot_at(60.0)
    why = "the EEG is unlike that of the training"
    estimate = with_head(snapshot.estimate, "arousal", probabilities=None, kept=(), abstained=why)
    plane = shown(replace(snapshot, estimate=estimate))["plane"]
    assert plane["at"] is None
    assert plane["why"] == why
    assert shown(script.silent(3.0))["plane"]["why"] == "no estimate yet"


def test_the_probabilities_of_each_head_and_what_is_left(script):
    content = shown(script.snapshot_at(66.0))
    names = [one["name"] for one in content["heads"]]
    assert names == ["valence", "arousal", "speech"]
    for head in content["heads"]:
        shares = [row["share"] for row in head["classes"]]
        assert sum(shares) == pytest.approx(1.0, abs=0.01)
        assert any(row["kept"] for row in head["classes"])
    quiet = next(one for one in shown(script.snapshot_at(60.0))["heads"] if one["name"] == "speech")
    assert quiet["answer"] == "no speech"
    assert {row["share"] for row in quiet["classes"]} == {None}


def test_health_notices_and_clocks(script):
    lost = script.source("eeg", health="lost", why="silent for 3.1 s")
    content = shown(script.snapshot_at(75.0, sources=(lost, script.source("face", configured=False))))
    assert [(one["title"], one["text"], one["tone"], one["detail"]) for one in content["sources"]] == [
        ("EEG", "lost", "bad", "silent for 3.1 s")
    ]
    assert content["notices"] == [script.NOTICE]
    assert (content["clock"], content["session_clock"]) == ("1:16", "1:15")
    assert "latency 143/212 ms" in content["figures"]


@pytest.mark.parametrize(
    ("silent_s", "phase", "state"), [(0.2, "decoding", "attached"), (5.0, "decoding", "gone"), (5.0, "ended", "ended")]
)
def test_an_engine_that_is_gone_is_told_from_one_that_has_ended(script, silent_s, phase, state):
    content = shown(script.snapshot_at(60.0, phase=phase), silent_s, "engine 'room-1' has ended")
    assert content["state"] == state
    said = content["phase"]["text"]
    assert ("has not answered for 0:05 (engine 'room-1' has ended)" in said) == (state == "gone")


def test_before_its_first_word_an_engine_is_waited_for():
    content = shown(None, 2.0, "it is overloaded")
    assert content["state"] == "waiting"
    assert content["phase"]["text"] == "waiting for the engine: it is overloaded"


def test_without_estimates_nothing_decoded_is_in_the_message(script):
    engines = Engines()
    engines.show(script.snapshot_at(66.0))
    told = PageWatch(engines, estimates=False).message()
    assert json.loads(told)["tiles"][0]["sources"]
    for word in ("valence", "arousal", "happiness", "heads", "plane"):
        assert word not in told


def test_no_picture_without_being_asked_for(stage):
    engines = Engines()
    engines.show(stage.to(30.0).snapshot())
    assert json.loads(PageWatch(engines).message())["tiles"][0]["picture"] is None
    shot = json.loads(PageWatch(engines, pictures=True).message())["tiles"][0]["picture"]
    assert shot.startswith("/9j/")  # JPEG, in base64


def test_a_page_that_opens_late_has_the_trail_of_before(stage):
    engines = Engines()
    engines.show(stage.to(60.0).snapshot())
    trail = json.loads(PageWatch(engines).message())["tiles"][0]["plane"]["trail"]
    assert len(trail) > 30
