"""What was measured is said with its spread and its limits; what was not is undeclared, with the reason."""

import json

import pytest

from moodring.models.signals.sync.delays import Delay
from moodring.realtime.lab.delays.report import DelayReport, DeviceDelay, as_plain, table, toml_lines


def _delay(delay_s, half_s=0.004):
    return Delay(delay_s, delay_s - half_s, delay_s + half_s, 0.01, 18)


def _row(modality="face", delay=None, why=None, declared_s=None, method="flash"):
    return DeviceDelay(modality, f"the {modality}", method, declared_s, delay, why)


def test_measured_and_unmeasured_devices_stand_side_by_side():
    report = DelayReport(
        (_row("eeg", why="no blinks"), _row("face", _delay(0.0871)), _row("speech", why="no loudspeaker"))
    )
    lines = table(report)
    assert lines[0] == "eeg     the eeg: undeclared: no blinks"
    assert "87.1 ms by flash (95 % 83.1 to 91.1, single events spread 10.0 ms, n = 18)" in lines[1]
    assert toml_lines(report) == ["[face]", "delay_s = 0.0871"]
    plain = json.loads(json.dumps(as_plain(report), allow_nan=False))
    assert plain["devices"]["eeg"]["delay_s"] is None
    assert plain["devices"]["eeg"]["undeclared"] == "no blinks"
    assert plain["devices"]["face"]["delay_s"] == 0.0871
    assert plain["eeg_after_face"] is None


@pytest.mark.parametrize(
    ("delay", "note", "written"),
    [
        (_delay(-0.05), "negative: its stamps lie before the event", []),
        (_delay(-0.001), "not different from 0", ["[face]", "delay_s = 0.0000"]),
        (_delay(0.5), "unusually long", ["[face]", "delay_s = 0.5000"]),
    ],
)
def test_implausible_delays_are_explained(delay, note, written):
    report = DelayReport((_row("face", delay),))
    assert any(note in line for line in table(report))
    assert toml_lines(report) == written


def test_a_declared_delay_that_is_off_is_named():
    assert any(
        "declares 200.0 ms" in line for line in table(DelayReport((_row("face", _delay(0.08), declared_s=0.2),)))
    )
    assert len(table(DelayReport((_row("face", _delay(0.08), declared_s=0.085),)))) == 1


@pytest.mark.parametrize(("shift_s", "section"), [(0.03, "# [eeg]"), (-0.03, "# [face]")])
def test_a_shift_between_eeg_and_camera_alone_is_offered_as_a_comment(shift_s, section):
    report = DelayReport((_row("eeg", why="known only against the camera"), _row(why="no display")), _delay(shift_s))
    assert toml_lines(report)[1:] == [section, "# delay_s = 0.0300"]
