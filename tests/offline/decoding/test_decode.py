import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import (
    DecisionSection,
    EegSection,
    LiveConfig,
    ReferenceSection,
    SpeechSection,
    StreamQuery,
)
from moodring.models.decoders.session_models import DEMONSTRATION, NO_OTHER_VOICE, UNDECLARED_LOUDSPEAKER
from moodring.offline.decoding.decode import decode

CONFIG = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))


@pytest.fixture(scope="module")
def decoded(fakes):
    return decode(fakes.recording(12.0), CONFIG, models=fakes.fake_models())


def test_decisions_lie_on_the_grid_from_two_seconds_on(decoded):
    assert [e.time_s for e in decoded.estimates] == [500.0 + 0.5 * k for k in range(4, 24)]
    assert [e.session_time_s for e in decoded.estimates][:2] == [2.0, 2.5]
    assert all(e.used == ("eeg", "face", "speech") for e in decoded.estimates)
    assert all(e.answer("valence") is not None for e in decoded.estimates)


def test_a_session_that_began_before_t0_has_its_data_earlier(fakes):
    decoded = decode(fakes.recording(12.0, lead_s=5.0), CONFIG, models=fakes.fake_models())
    assert decoded.estimates[0].session_time_s == 0.0


def test_decoding_twice_is_the_same(fakes, decoded):
    models = fakes.fake_models()
    decode(fakes.recording(5.0, t0_s=9.0), CONFIG, models=models)
    again = decode(fakes.recording(12.0), CONFIG, models=models)
    for one, other in zip(decoded.estimates, again.estimates, strict=True):
        np.testing.assert_array_equal(one.answer("valence").probabilities, other.answer("valence").probabilities)
        assert one.head("speech") == other.head("speech")


def test_where_stamps_start_does_not_matter(fakes, decoded):
    moved = decode(fakes.recording(12.0, t0_s=123456.78), CONFIG, models=fakes.fake_models())
    for one, other in zip(decoded.estimates, moved.estimates, strict=True):
        assert one.session_time_s == pytest.approx(other.session_time_s)
        assert [x.waited_frames for x in one.looks] == [x.waited_frames for x in other.looks]
        np.testing.assert_allclose(
            one.answer("valence").probabilities, other.answer("valence").probabilities, atol=1e-5
        )
        assert (one.ranges.get("eeg"), one.ranges.get("face"), one.ranges.get("speech")) == (
            other.ranges.get("eeg"),
            other.ranges.get("face"),
            other.ranges.get("speech"),
        )


def test_the_rest_of_the_recording_comes_before_the_configs(fakes):
    config = CONFIG.model_copy(update={"decisions": DecisionSection(rest_s=12.0)})
    assert decode(fakes.recording(8.0, rest_s=4.0), config, models=fakes.fake_models()).plan.rest_s == 4.0
    assert decode(fakes.recording(8.0, rest_s=0.0), config, models=fakes.fake_models()).plan.rest_s == 12.0


def test_modalities_can_be_left_out(fakes):
    decoded = decode(fakes.recording(6.0), CONFIG, models=fakes.fake_models(), only=("face",))
    assert all(e.used == ("face",) for e in decoded.estimates)
    modalities = decoded.summary["modalities"]
    assert modalities["eeg"] == {
        "present": False,
        "used_fraction": None,
        "observed_rate_hz": None,
        "lost_samples": None,
        "health": None,
        "transitions": None,
    }
    assert modalities["face"]["used_fraction"] == 1.0
    with pytest.raises(MoodringError, match="holds none of speech"):
        decode(replace(fakes.recording(6.0), speech=None), CONFIG, models=fakes.fake_models(), only=("speech",))


def test_a_gap_is_noted_and_eeg_is_left_out_until_it_settled(fakes):
    recording = fakes.recording(14.0)
    stamps = recording.eeg.stamps_s.copy()
    stamps[256 * 6 :] += 3.0
    broken = replace(recording, eeg=replace(recording.eeg, stamps_s=stamps))
    decoded = decode(broken, CONFIG, models=fakes.fake_models())
    eeg = decoded.summary["modalities"]["eeg"]
    assert eeg["lost_samples"] == 768
    assert "lost" in [state for _, state in eeg["transitions"]]
    assert eeg["health"] == "live"
    without = [e.session_time_s for e in decoded.estimates if "eeg" not in e.used]
    assert without
    assert min(without) >= 6.5
    assert max(without) <= 9.5 + 2.5
    assert all(e.band_attention is None for e in decoded.estimates if "eeg" not in e.used)


def test_dead_and_broken_channels_do_not_stop_it(fakes):
    recording = fakes.recording(8.0)
    samples = recording.eeg.samples.copy()
    samples[:, 0], samples[:, 1] = np.nan, 5.0
    samples[1000:1010] = np.inf
    decoded = decode(
        replace(recording, eeg=replace(recording.eeg, samples=samples)), CONFIG, models=fakes.fake_models()
    )
    assert all(np.isfinite(e.answer("valence").probabilities).all() for e in decoded.estimates)
    assert decoded.estimates[-1].used[0] == "eeg"


def test_the_notice_stands_where_the_model_knows_only_simulated_people(fakes, decoded):
    assert all(e.notices == () for e in decoded.estimates)
    real = decode(fakes.recording(4.0, origin="lab"), CONFIG, models=fakes.fake_models())
    assert all(e.notices == (DEMONSTRATION,) for e in real.estimates)
    assert real.summary["notices"] == [DEMONSTRATION]


def test_a_bundle_that_does_not_fit_is_refused(fakes):
    recording = fakes.recording(4.0)
    slow = replace(
        recording.eeg, rate_hz=100.0, stamps_s=500 + np.arange(400) / 100, samples=recording.eeg.samples[:400]
    )
    with pytest.raises(MoodringError, match="needs at least 128 Hz"):
        decode(replace(recording, eeg=slow), CONFIG, models=fakes.fake_models())
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x"), reference=["Cz"]))
    with pytest.raises(MoodringError, match=r"eeg.reference is 'Cz'.*'average'"):
        decode(recording, config, models=fakes.fake_models())


def test_the_summary_holds_plain_numbers(decoded):
    summary = json.loads(json.dumps(decoded.summary, allow_nan=False))
    assert summary["decisions"] == 20
    assert summary["decision_rate_hz"] == pytest.approx(2.0)
    assert summary["domain"] == ["simulated"]
    assert summary["bundles"][0].items() >= {"file": "a.safetensors", "sha256": "a" * 64}.items()
    assert len(summary["estimates"]) == len(summary["speech"]) == 20
    time_s, valence, arousal = summary["estimates"][0]
    assert time_s == 2.0
    assert sum(valence) == pytest.approx(1.0, abs=1e-5)
    assert len(arousal) == 3
    assert set(summary["latency_ms"]["stages"]) == {"received", "ring", "features", "inference", "published"}
    assert summary["modalities"]["eeg"]["transitions"][0][1] == "live"
    assert set(next(value for _, value in summary["speech"] if value)) == {"calm", "angry"}


def _with_loudspeaker(fakes, played):
    """The scripted recording, and what of its sound was played by the loudspeaker."""
    recording = fakes.recording(14.0)
    sound = played * recording.speech.samples
    return replace(recording, loudspeaker=replace(recording.speech, samples=sound.astype(np.float32), name="monitor"))


def test_a_recorded_loudspeaker_withholds_speech(fakes):
    seconds = np.arange(14 * 16_000)[:, None] / 16_000
    recording = _with_loudspeaker(fakes, seconds < 4)
    alone = decode(replace(recording, loudspeaker=None), CONFIG, models=fakes.fake_models()).estimates
    gated = decode(recording, CONFIG, models=fakes.fake_models()).estimates
    reasons = {e.time_s - 500.0: e.hearing.withheld for e in gated}
    assert reasons[2.5] == "the loudspeaker is playing"
    assert next(e for e in alone if e.time_s == 502.5).answer("speech") is not None
    assert next(e for e in gated if e.time_s == 502.5).answer("speech") is None
    # The second time it is the participant.
    assert next(e for e in gated if e.time_s == 508.0).answer("speech") is not None
    assert reasons[8.0] is None


def test_a_declared_reference_that_was_not_recorded_is_told(fakes):
    section = SpeechSection(microphone="default", reference=ReferenceSection(device="monitor"))
    estimates = decode(
        fakes.recording(8.0), CONFIG.model_copy(update={"speech": section}), models=fakes.fake_models()
    ).estimates
    assert {e.hearing.withheld for e in estimates} == {"nothing comes from the loudspeaker reference"}
    assert all(e.answer("speech") is None for e in estimates)


@pytest.mark.parametrize(
    ("origin", "changes", "told"),
    [
        ("lab", {}, True),
        ("lab", {"headphones": True}, False),
        ("lab", {"reference": ReferenceSection(device="monitor")}, False),
        ("simulated", {}, False),
    ],
)
def test_an_undeclared_loudspeaker_is_told_of_origin_guards(fakes, origin, changes, told):
    section = SpeechSection(microphone="default", **changes)
    config = CONFIG.model_copy(update={"speech": section})
    (estimate, *_) = decode(fakes.recording(6.0, origin=origin), config, models=fakes.fake_models()).estimates
    assert (UNDECLARED_LOUDSPEAKER in estimate.notices) == told


@pytest.mark.parametrize(("changes", "told"), [({}, False), ({"others": 0}, True), ({"others": 1}, False)])
def test_that_no_other_voice_is_enrolled_is_told(fakes, changes, told):
    others = [Path("other.safetensors")] * changes.get("others", 0)
    enrolled = {"enrolment": Path("me.safetensors"), "others": others} if changes else {}
    section = SpeechSection(microphone="default", headphones=True, **enrolled)
    config = CONFIG.model_copy(update={"speech": section})
    (estimate, *_) = decode(fakes.recording(6.0), config, models=fakes.fake_models()).estimates
    assert (NO_OTHER_VOICE in estimate.notices) == told
