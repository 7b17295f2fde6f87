from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.live import EegSection, LiveConfig, StreamQuery
from moodring.models.contract import Head, Hearing
from moodring.models.streaming.tally import AllRows, NewestRows, Tally
from moodring.offline.decoding.decode import decode
from tests.support.heads import with_head

CONFIG = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))


@pytest.fixture(scope="module")
def decoded(fakes):
    return decode(fakes.recording(20.0), CONFIG, models=fakes.fake_models())


def _tally(estimates):
    heads = [Head(h.name, h.construct, h.classes) for h in estimates[0].heads]
    tally = Tally(tuple(heads))
    for estimate in estimates:
        tally.add(estimate, 500.0)
    return tally


def test_every_decision_is_told_as_it_was_made(decoded):
    tally = _tally(decoded.estimates)
    said = [e for e in decoded.estimates if e.answer("valence") is not None]
    for row, estimate in zip(tally.estimates(), said, strict=True):
        assert row[0] == pytest.approx(estimate.time_s - 500.0, abs=1e-4)
        np.testing.assert_array_equal(np.float32(row[1]), estimate.answer("valence").probabilities)
        np.testing.assert_array_equal(np.float32(row[2]), estimate.answer("arousal").probabilities)
    spoken = [e.answer("speech") for e in decoded.estimates]
    assert any(one is None for one in spoken)
    assert any(one is not None for one in spoken)
    for row, estimate in zip(tally.speech(), decoded.estimates, strict=True):
        assert row[0] == pytest.approx(estimate.time_s - 500.0, abs=1e-4)
        if estimate.answer("speech") is None:
            assert row[1] is None
        else:
            assert list(row[1]) == list(estimate.answer("speech").classes)
            assert list(row[1].values()) == pytest.approx(estimate.answer("speech").probabilities, abs=1e-6)


def test_latency_and_information_age_are_kept_apart(decoded):
    tally = _tally(decoded.estimates)
    used = [e for e in decoded.estimates if e.used]
    latencies_ms = [(e.ledger.published_s - e.time_s) * 1000 for e in used]
    assert tally.latency_ms().p50 == pytest.approx(np.median(latencies_ms), rel=1e-3)
    assert sum(tally.stages_ms().values()) == pytest.approx(np.median(latencies_ms), rel=0.2)
    ages_ms = [e.ages_s.get("eeg") * 1000 for e in used if e.ages_s.get("eeg") is not None]
    assert tally.ages_ms()["eeg"].p50 == pytest.approx(np.median(ages_ms), rel=1e-3)
    assert tally.ages_ms()["eeg"].p99 == pytest.approx(np.percentile(ages_ms, 99), rel=1e-3)
    # What is oldest in the EEG's age is half of the second that a look sees, and the filters.
    assert tally.ages_ms()["eeg"].p50 > 500 + decoded.summary["eeg_filter_delay_ms"]
    assert decoded.summary["information_age_ms"]["eeg"] == pytest.approx(tally.ages_ms()["eeg"].p50, abs=0.1)


def test_only_the_newest_rows_are_kept():
    rows = NewestRows(4, 2)
    assert len(rows) == 0
    for index in range(10):
        rows.append((float(index), -float(index)))
    assert sorted(rows.rows()[:, 0].tolist()) == [6.0, 7.0, 8.0, 9.0]


def test_all_rows_come_back_in_order():
    rows = AllRows(2)
    for index in range(1000):
        rows.append(index / 7, (float(index), 0.5))
    times_s, values = rows.rows()
    assert times_s == [index / 7 for index in range(1000)]
    np.testing.assert_array_equal(values[:, 0], np.arange(1000))
    with pytest.raises(ValueError, match="2 values"):
        rows.append(0.0, (1.0,))


def test_what_the_voice_amounts_to_is_told_beside_its_categories(decoded):
    spoken = [e for e in decoded.estimates if e.answer("speech") is not None]
    sure = [with_head(e, "speech", classes=("calm", "fear"), probabilities=(1.0, 0.0)) for e in spoken]
    rows = _tally([*sure, *(e for e in decoded.estimates if e.answer("speech") is None)]).speech_affect()
    assert [row[0] for row in rows] == pytest.approx([e.time_s - 500.0 for e in sure], abs=1e-4)
    assert rows[0][1] == {"valence": 0.4725, "arousal": -0.8325, "valence_sd": 0.5, "arousal_sd": 0.5}
    # The scripted model's "angry" has no place in the table.
    assert decoded.summary["speech_affect"] == []


def test_decisions_are_counted_by_what_the_microphone_was_like(decoded):
    one = decoded.estimates[0]

    def heard(fault, withheld, speaking, degraded):
        hearing = Hearing(speaking, withheld, fault, None, 0.0, -30.0)
        return replace(one, hearing=hearing, degraded=degraded)

    talking = heard(None, None, True, "the participant speaks")
    told = _tally(
        [
            *(heard("clipping", None, True, "the participant speaks"), talking, talking),
            *(heard("silent", None, False, None), heard(None, "the loudspeaker is playing", False, None)),
            replace(one, hearing=None, degraded=None),
        ]
    ).hearing()
    assert told == {
        "speaking": 3,
        "degraded": 3,
        "withheld": {"the loudspeaker is playing": 1},
        "faults": {"clipping": 1, "silent": 1},
    }
    # The tone of the recording is loud for three seconds of each six, and nothing is wrong with it.
    assert decoded.summary["hearing"]["speaking"] == sum(e.hearing.speaking for e in decoded.estimates) > 5
    assert decoded.summary["modalities"]["speech"]["sound"]["clipped"] is False
