"""Every fault of a source, on the virtual clock through the real ingest, health and decider."""

from dataclasses import replace

import pytest

from moodring.models.contract import SourceStatus
from moodring.models.streaming.clock import VirtualClock
from moodring.models.streaming.summary import Costs, summarise
from tests.support.fault_table import Observation, Span, observe, row_of
from tests.support.faults import FAULTS
from tests.support.scripted_sources import BEGIN_S, ScriptedSession, ScriptedSource

WARM_S = 6.3
CALM_S = 5.0
ON_SOURCES = [fault for fault in FAULTS if fault.modality is not None]


@pytest.fixture
def session(fakes):
    """A session of EEG, voice and camera."""
    clock = VirtualClock(BEGIN_S)
    sources = [ScriptedSource(modality, clock) for modality in ("eeg", "face", "speech")]
    made = ScriptedSession(fakes.fake_models(), clock, sources)
    yield made
    made.close()


def inject(session, fault, seen):
    """Let a fault happen and pass; its moments."""

    def look():
        newest = session.decisions[-1].estimate if session.decisions else None
        statuses = [channel.status(session.clock.now()) for channel in session.channels]
        seen.append(observe(session.clock.now(), len(session.decisions), newest, statuses))

    session.run_for(WARM_S + min(fault.steps[0].at_s, 0.0))
    at_s = min(fault.steps[0].at_s, 0.0)
    for step in fault.steps:
        session.run_for(step.at_s - at_s, look)
        at_s = step.at_s
        step.inject(session.sources[fault.modality])
    begin_s = session.clock.now() - at_s
    session.run_for(fault.back_s - at_s + CALM_S, look)
    return Span(begin_s, begin_s + fault.back_s, session.clock.now())


@pytest.mark.parametrize("fault", ON_SOURCES, ids=lambda fault: fault.name)
def test_fault(session, keep_row, fault):
    seen: list[Observation] = []
    row = keep_row("virtual clock", row_of(fault, inject(session, fault, seen), seen))
    print(row)
    assert row.broken == ()
    assert row.longest_pause_s <= 0.7
    numbers = [decision.k for decision in session.decisions]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "no decision is left out"
    others = [modality for modality in session.sources if modality != fault.modality]
    assert all(one.sources[modality].health == "live" for one in seen for modality in others)
    assert all(set(others) <= set(one.used) for one in seen)
    lost, withheld = seen[-1].sources[fault.modality].lost_samples, session.sources[fault.modality].withheld
    if fault.name == "half rate":
        # A rate that is far off is told as such; only its beginning counts as gaps.
        assert 0 < lost < withheld
    else:
        assert lost == pytest.approx(withheld, abs=1)


def test_the_summary_tells_states_reasons_and_figures(session):
    names = (
        "drift (device clock 3000 ppm fast)",
        "source killed",
        "NaN flood",
        "clock jumps ahead",
        "clock jumps back",
    )
    for name in names:
        inject(session, next(fault for fault in FAULTS if fault.name == name), [])
    now_s = session.clock.now()
    statuses = [channel.status(now_s) for channel in session.channels]
    summary = summarise(session.tally, BEGIN_S, now_s, statuses, Costs(None, None), ("simulated",), (), ())
    eeg = summary["modalities"]["eeg"]
    states = [state for _, state in eeg["transitions"]]
    assert {"lost", "recovered", "gap", "clock_jump", "live"} <= set(states)
    assert len(eeg["reasons"]) == len(states)
    assert all(eeg["reasons"])
    assert eeg["device_delay"] == "undeclared"
    assert eeg["figures"]["nominal_rate_hz"] == 256.0
    assert eeg["figures"]["clock_offset_s"] == pytest.approx(15.0, abs=0.01)
    assert eeg["figures"]["channels"] == 10
    assert summary["modalities"]["speech"]["figures"]["drift_ppm"] == pytest.approx(3000.0, rel=0.2)
    assert summary["skipped_decisions"] == 0


def test_a_fault_that_is_not_seen_fails_its_row():
    status = SourceStatus("eeg", "amp", True, "live", 256.0, 256.0, 0, 0.01, None, (), (), None, (), None)
    seen = [Observation(10.0 + step * 0.05, step // 10, ("eeg",), 0.5, {"eeg": status}) for step in range(200)]
    row = row_of(FAULTS[0], Span(12.0, 15.0, 19.0), seen)
    assert len(row.broken) == 3, "not noticed, nothing said, and still used"
    stopped = [replace(one, decisions=0) for one in seen]
    assert any("no decision" in line for line in row_of(FAULTS[0], Span(12.0, 15.0, 19.0), stopped).broken)
