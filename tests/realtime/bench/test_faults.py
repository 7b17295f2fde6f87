"""Every fault of ``moodring bench faults``, for real, on one engine with EEG, voice and camera, and one with a microphone."""

import json
from dataclasses import replace

import pytest

from moodring.realtime.bench.faults import FAULTS

pytestmark = [pytest.mark.lsl, pytest.mark.deadline]


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """What was seen of each fault, by name; and what the engines wrote."""
    from moodring.offline.simulate import EASY, simulate
    from moodring.realtime.bench.fault_run import Bench, run_faults

    folder = tmp_path_factory.mktemp("faults")
    frames = simulate(7, 12.0, EASY).face.frames
    rows = run_faults(Bench(pictures=[frames[index] for index in range(100)], folder=folder))
    return {row.fault: row for row in rows}, json.loads((folder / "session.json").read_text())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault(ran, fault):
    row = ran[0][fault.name]
    if row.not_run:
        pytest.skip(row.not_run)
    assert row.broken == ()


def test_uncertainty_rises_while_nothing_is_seen(ran):
    row = ran[0]["source killed"]
    assert row.uncertainty_during > row.uncertainty_before


def test_the_summary_tells_states_reasons_and_figures(ran):
    eeg = ran[1]["modalities"]["eeg"]
    states = [state for _, state in eeg["transitions"]]
    assert {"lost", "recovered", "gap", "clock_jump", "live"} <= set(states)
    assert len(eeg["reasons"]) == len(states)
    assert all(eeg["reasons"])
    assert eeg["device_delay"] == "undeclared"
    assert eeg["figures"]["nominal_rate_hz"] == 256.0
    assert eeg["figures"]["clock_offset_s"] == pytest.approx(15.0, abs=0.01)
    assert eeg["figures"]["channels"] == 10
    speech = ran[1]["modalities"]["speech"]["figures"]
    assert speech["drift_ppm"] == pytest.approx(3000.0, rel=0.2)
    assert ran[1]["skipped_decisions"] == 0


def test_a_fault_that_is_not_seen_fails_its_row():
    from moodring.models.contract import SourceStatus
    from moodring.realtime.bench.fault_rows import Seen, Span, row_of

    status = SourceStatus("eeg", "amp", True, "live", 256.0, 256.0, 0, 0.01, None, (), (), None, (), None)
    seen = [
        Seen(10.0 + step * 0.05, step // 10, 0, ("eeg",), 0.5, {"eeg": status}, {"eeg": "256.0 Hz"})
        for step in range(200)
    ]
    row = row_of(FAULTS[0], Span(12.0, 15.0, 19.0), seen)
    assert len(row.broken) == 3, "not noticed, nothing said, and still used"
    stopped = [replace(one, decisions=0) for one in seen]
    assert any("no decision" in line for line in row_of(FAULTS[0], Span(12.0, 15.0, 19.0), stopped).broken)
