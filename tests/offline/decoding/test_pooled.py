"""Pooling in the engine: beside what each says, never in its place, and nowhere where it is off."""

import json
from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.live import EegSection, LiveConfig, StreamQuery
from moodring.models.contract import Estimate
from moodring.models.fusion.opinion_pool import VoiceLevels, levels_of
from moodring.models.io import wire
from moodring.models.io.journal import read_journal
from moodring.offline.decoding.compare import as_plain, compare, in_lines
from moodring.offline.decoding.decode import decode
from moodring.realtime.engine.lsl_outlet import estimate_labels, estimate_row
from moodring.realtime.screens.wording import pooled as in_words
from moodring.realtime.screens.wording import whose_weight
from tests.support.heads import without_answer

CONFIG = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))
POOLED_LABELS = (
    *(f"pooled_{axis}_{level}" for axis in ("valence", "arousal") for level in ("low", "medium", "high")),
    "voice_share_valence",
    "voice_share_arousal",
)


@pytest.fixture(scope="module")
def on(fakes, tmp_path_factory):
    journal = tmp_path_factory.mktemp("pooled") / "decisions.jsonl"
    made = decode(fakes.recording(24.0), CONFIG.model_copy(update={"journal": journal}), models=fakes.pooled_models())
    return made, journal


@pytest.fixture(scope="module")
def off(fakes):
    models = fakes.pooled_models()
    return decode(fakes.recording(24.0), CONFIG, models=replace(models, fusion=None, bundles=models.bundles[:-1]))


def test_off_leaves_everything_as_it_was(on, off, fakes) -> None:
    without, with_ = off, on[0]
    assert all(one.head("pooled_valence") is None for one in without.estimates)
    assert "pooled" not in without.summary
    assert set(with_.summary) - set(without.summary) == {"pooled"}
    for one, other in zip(without.estimates, with_.estimates, strict=True):
        plain, more = (json.loads(wire.encode(estimate)) for estimate in (one, other))
        fused = [head for head in more["heads"] if head["name"].startswith("pooled_")]
        assert len(fused) == 2
        more["heads"] = [head for head in more["heads"] if head not in fused]
        assert more.pop("bundles") == [*plain.pop("bundles"), "p" * 64]
        del plain["ledger"], more["ledger"]
        assert plain == more
    heads = fakes.pooled_models().heads
    labels = estimate_labels(heads[:3])
    assert not any("pooled" in label or "share" in label for label in labels)
    assert estimate_labels(heads) == (*labels, *POOLED_LABELS)
    assert len(estimate_row(with_.estimates[0], heads[:3])) == len(labels)


def test_every_decision_is_pooled_by_what_was_said_up_to_it(on, fakes) -> None:
    pool = fakes.made_up_pool()
    newest, cases = None, set()
    for estimate in on[0].estimates:
        newest = estimate.answer("speech") or newest
        heard = None if newest is None else VoiceLevels(levels_of(newest.classes, newest.probabilities), newest.end_s)
        speaks = estimate.degraded is not None
        felt = np.array([estimate.answer(axis).probabilities for axis in ("valence", "arousal")])
        expected = pool.decide(estimate.time_s, felt, heard, speaks)
        cases.add((heard is not None, speaks))
        np.testing.assert_array_equal(estimate.answer("pooled_valence").probabilities, expected[0].probabilities)
        np.testing.assert_array_equal(estimate.answer("pooled_arousal").probabilities, expected[1].probabilities)
        assert estimate.answer("pooled_arousal").shares["voice"] == expected[1].shares["voice"]
        age_s = estimate.answer("pooled_valence").ages_s.get("speech")
        late_s = estimate.ledger.published_s - estimate.time_s
        assert age_s == (None if heard is None else pytest.approx(estimate.time_s - heard.end_s + late_s))
    assert {(True, True), (True, False)} <= cases
    ages_s = [one.answer("pooled_valence").ages_s.get("speech", 0.0) for one in on[0].estimates]
    assert max(ages_s) >= 3.0, "somebody falls silent, and what was said fades"


def test_the_voice_alone_is_pooled_where_nobody_is_seen(fakes) -> None:
    decoded = decode(fakes.recording(10.0), CONFIG, models=fakes.pooled_models(), only=("speech",))
    said = [one for one in decoded.estimates if one.answer("speech") is not None]
    assert said
    assert all(one.answer("valence") is None for one in decoded.estimates)
    assert all(one.answer("pooled_valence").shares["voice"] == 1.0 for one in said)


def test_json_and_journal_tell_it(on) -> None:
    decoded, journal = on
    rows = decoded.summary["pooled"]
    assert len(rows) == len(decoded.estimates)
    for (time_s, valence, arousal, shares), estimate in zip(rows, decoded.estimates, strict=True):
        assert time_s == pytest.approx(estimate.session_time_s)
        np.testing.assert_allclose(valence, estimate.answer("pooled_valence").probabilities, atol=1e-6)
        np.testing.assert_allclose(arousal, estimate.answer("pooled_arousal").probabilities, atol=1e-6)
        assert shares == pytest.approx(
            [estimate.answer("pooled_valence").shares["voice"], estimate.answer("pooled_arousal").shares["voice"]]
        )
    json.dumps(decoded.summary, allow_nan=False)
    for written, estimate in zip(read_journal(journal), decoded.estimates, strict=True):
        np.testing.assert_array_equal(
            written.answer("pooled_valence").probabilities, estimate.answer("pooled_valence").probabilities
        )
        assert written.answer("pooled_arousal").kept == estimate.answer("pooled_arousal").kept
        assert written.answer("pooled_valence").ages_s == estimate.answer("pooled_valence").ages_s
        assert written.bundles[-1] == "p" * 64


def test_the_outlets_row_carries_it_last(on, fakes) -> None:
    estimate = on[0].estimates[-1]
    heads = fakes.pooled_models().heads
    row = estimate_row(estimate, heads)
    shares = (estimate.answer("pooled_valence").shares["voice"], estimate.answer("pooled_arousal").shares["voice"])
    np.testing.assert_allclose(
        row[-8:],
        [*estimate.answer("pooled_valence").probabilities, *estimate.answer("pooled_arousal").probabilities, *shares],
        rtol=1e-6,
    )
    assert row[-9] == estimate.hearing.speaking
    unpooled = without_answer(estimate, "pooled_valence", "pooled_arousal")
    assert np.isnan(estimate_row(unpooled, heads)[-8:]).all()


def test_two_decodings_are_compared_on_it_too(on, off, fakes) -> None:
    again = decode(fakes.recording(24.0), CONFIG, models=fakes.pooled_models()).estimates
    same = compare(on[0].estimates, again)
    assert [same.agreement[f"pooled {axis}"].largest_difference for axis in ("valence", "arousal")] == [0.0, 0.0]
    assert any("pooled arousal" in line for line in in_lines(same, "one", "the other"))
    assert len(as_plain(same, "a", "b")["decisions"][0]["first"]["pooled_valence"]) == 3
    mixed = compare(on[0].estimates, off.estimates)
    assert mixed.agreement["pooled valence"].one_silent == len(again)
    assert not mixed.same_bundles
    unpooled = compare(off.estimates, off.estimates)
    assert set(unpooled.agreement) == {"valence", "arousal", "speech"}
    assert set(as_plain(unpooled, "a", "b")["decisions"][0]["first"]) == {"valence", "arousal", "speech"}


def test_words_say_whose_weight_it_was(on, off) -> None:
    estimate = on[0].estimates[-1]
    assert whose_weight(estimate, 0.357) == "64% face and EEG, 36% voice"
    blind = Estimate(**{**estimate.__dict__, "used": ("eeg", "speech")})
    assert whose_weight(blind, 0.0) == "100% EEG, 0% voice"
    words = in_words(estimate)
    assert words.startswith("valence ")
    assert words.endswith(f"({estimate.answer('pooled_arousal').shares['voice']:.0%} voice)")
    assert in_words(off.estimates[-1]) == ""
