"""A session that met a fault, recorded with its journal, gives the same estimates when it is decoded again.

The session runs on the virtual clock, its chunks and decisions are recorded in memory, and once more in a session
folder; with the journal, every decision must be equal, the first included. Without the journal, the recorded arrivals
must lead to the same decisions. A killed recorder, a killed screen and a full disk are in
``tests/realtime/faults/test_recording_faults.py``.
"""

from dataclasses import replace

import numpy as np
import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.decision_schedule import next_decision
from moodring.offline.decoding.compare import compare
from moodring.offline.decoding.decode import decode
from moodring.offline.recordings.open import open_recording
from moodring.offline.recordings.write_session import write_session
from tests.support.faults import FAULTS
from tests.support.recorded import assert_equal, recording_of
from tests.support.scripted_sources import BEGIN_S, CONFIG, ScriptedSession, ScriptedSource

CALM_S = 4.0
ON_SOURCES = [fault for fault in FAULTS if fault.modality is not None]


def recorded(session):
    """What a recorder writes of a scripted session: every chunk as it came, and every decision."""
    journal = [decision.estimate for decision in session.decisions]
    return recording_of(
        {key: (one.info, session.chunks[key]) for key, one in session.sources.items()}, journal
    ), journal


def run(session, *faults):
    session.run_for(6.3)
    for fault in faults:
        at_s = min(fault.steps[0].at_s, 0.0)
        for step in fault.steps:
            session.run_for(step.at_s - at_s)
            at_s = step.at_s
            step.inject(session.sources[fault.modality])
        session.run_for(min(fault.back_s, 6.0) - at_s + CALM_S)


@pytest.fixture
def session(fakes):
    clock = VirtualClock(BEGIN_S)
    sources = [ScriptedSource(modality, clock) for modality in ("eeg", "face", "speech")]
    made = ScriptedSession(fakes.fake_models(), clock, sources)
    yield made
    made.close()


@pytest.mark.parametrize("fault", ON_SOURCES, ids=lambda fault: fault.name)
def test_decoded_again_equals_the_journal(session, fakes, fault):
    run(session, fault)
    recording, journal = recorded(session)
    decoded = decode(recording, CONFIG, models=fakes.fake_models(), journal=journal)
    assert_equal(decoded.estimates, journal)
    now_s = session.clock.now()
    for channel in session.channels:
        figures = decoded.summary["modalities"][channel.modality]["figures"]
        live = channel.status(now_s).figures
        assert figures["lost_samples"] == live.lost_samples
        assert figures["skipped_samples"] == live.skipped_samples
        assert figures["clock_offset_s"] == pytest.approx(live.clock_offset_s, abs=1e-9)
    # Without the journal, the arrivals lead to the same decisions; how many later samples were there too depends on the
    # steps of the session.
    alone = decode(recording, CONFIG, models=fakes.fake_models())
    assert_equal(alone.estimates[: len(journal)], journal, counts=False)


@pytest.mark.parametrize("fault", ON_SOURCES, ids=lambda fault: fault.name)
def test_a_session_folder_keeps_all_that_decoding_again_needs(session, fakes, fault, tmp_path):
    run(session, fault)
    recording, journal = recorded(session)
    folder = write_session(recording, tmp_path / "session", video="lossless")
    opened = open_recording(folder)
    for name in ("eeg", "face", "speech"):
        before, after = getattr(recording, name), getattr(opened, name)
        np.testing.assert_array_equal(after.stamps_s, before.stamps_s)
        for column in ("stop", "received_s", "gap", "skipped"):
            np.testing.assert_array_equal(getattr(after.arrivals, column), getattr(before.arrivals, column))
    decoded = decode(opened, CONFIG, models=fakes.fake_models(), journal=journal)
    assert_equal(decoded.estimates, journal)


class BusySession(ScriptedSession):
    """A session whose decoder is held up: decisions are late or skipped, and more samples are there than they need."""

    skipped = 0

    def __init__(self, *args):
        super().__init__(*args)
        self._random = np.random.default_rng(5)
        self._busy_until_s = 0.0

    def _decide(self):
        now_s = self.clock.now()
        if now_s < self._busy_until_s:
            return
        if self._decider is not None:
            self._k, left_out = next_decision(self._decider.plan, self._k, now_s, CONFIG.decisions.lateness_s)
            self.skipped += left_out
        before = len(self.decisions)
        super()._decide()
        if len(self.decisions) > before:
            self._busy_until_s = now_s + float(self._random.choice([0.1, 0.4, 0.9, 2.0]))


def test_late_and_skipped_decisions_are_decoded_again_as_they_were_made(fakes):
    clock = VirtualClock(BEGIN_S)
    sources = [ScriptedSource(modality, clock) for modality in ("eeg", "face", "speech")]
    session = BusySession(fakes.fake_models(), clock, sources)
    run(session, *(fault for fault in FAULTS if fault.name in ("source killed", "clock jumps ahead", "camera gone")))
    assert session.skipped > 5
    recording, journal = recorded(session)
    decoded = decode(recording, CONFIG, models=fakes.fake_models(), journal=journal)
    assert_equal(decoded.estimates, journal)
    # Only the journal knows how long the decoder was held up.
    alone = decode(recording, CONFIG, models=fakes.fake_models())
    assert len(compare(alone.estimates, journal).only_first_s) >= session.skipped
    session.close()


def test_a_source_that_comes_late_and_samples_that_come_late(fakes):
    """The camera appears in the session; the network holds EEG back for longer than a decision waits."""
    clock = VirtualClock(BEGIN_S)
    sources = [ScriptedSource(modality, clock) for modality in ("eeg", "face", "speech")]
    session = ScriptedSession(fakes.fake_models(), clock, sources)
    camera = session.sources["face"]
    camera.kill()
    eeg = session.sources["eeg"]
    session.run_for(6.3)
    assert not session.decisions, "the scripted session waits for all"
    camera.start()
    session.run_for(4.0)
    for _ in range(8):
        eeg.pause()
        session.run_for(0.3)
        eeg.resume()
        session.run_for(0.26)
    recording, journal = recorded(session)
    decoded = decode(recording, CONFIG, models=fakes.fake_models(), journal=journal)
    assert_equal(decoded.estimates, journal)
    late = [e for e in journal if e.ring_samples["eeg"] < (e.time_s - BEGIN_S) * 256 - 8]
    assert late, "some decision was made before its EEG had come"
    session.close()


def test_a_journal_of_another_session_is_refused(session, fakes):
    run(session)
    recording, journal = recorded(session)
    other = [replace(entry, time_s=entry.time_s + 3.0) for entry in journal]
    with pytest.raises(MoodringError, match="belongs to another session"):
        decode(recording, CONFIG, models=fakes.fake_models(), journal=other)


def test_a_recording_that_ends_early_is_decoded_as_far_as_it_goes(session, fakes, caplog):
    run(session)
    recording, journal = recorded(session)
    arrivals = recording.eeg.arrivals
    kept = int(np.searchsorted(arrivals.received_s, journal[-4].time_s))
    cut = replace(
        arrivals, **{name: getattr(arrivals, name)[:kept] for name in ("stop", "received_s", "gap", "skipped")}
    )
    stop = int(cut.stop[-1])
    eeg = replace(
        recording.eeg, samples=recording.eeg.samples[:stop], stamps_s=recording.eeg.stamps_s[:stop], arrivals=cut
    )
    decoded = decode(replace(recording, eeg=eeg), CONFIG, models=fakes.fake_models(), journal=journal)
    assert len(decoded.estimates) == len(journal)
    assert_equal(decoded.estimates[:-4], journal[:-4])
    assert f"eeg: {stop} samples were recorded and the journal used" in caplog.text


def test_after_a_journal_that_was_cut_decisions_go_on_as_live(session, fakes, caplog):
    run(session)
    recording, journal = recorded(session)
    decoded = decode(recording, CONFIG, models=fakes.fake_models(), journal=journal[:-6])
    assert [one.session_time_s for one in decoded.estimates[: len(journal)]] == [one.session_time_s for one in journal]
    assert_equal(decoded.estimates[: len(journal) - 6], journal[:-6])
    assert "the journal ends" in caplog.text
    whole = decode(recording, CONFIG, models=fakes.fake_models(), journal=journal)
    assert len(whole.estimates) == len(journal)


@pytest.mark.parametrize("interval_s", [0.25, 0.75, 1.0])
def test_decisions_at_other_times_than_the_journals_are_made_as_live(session, fakes, caplog, interval_s):
    run(session)
    recording, journal = recorded(session)
    decisions = CONFIG.decisions.model_copy(update={"interval_s": interval_s})
    config = CONFIG.model_copy(update={"decisions": decisions})
    decoded = decode(recording, config, models=fakes.fake_models(), journal=journal)
    assert "it is not followed" in caplog.text
    times_s = [estimate.session_time_s for estimate in decoded.estimates]
    np.testing.assert_allclose(np.diff(times_s), interval_s, atol=1e-6)
