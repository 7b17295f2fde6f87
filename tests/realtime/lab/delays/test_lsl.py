"""Injected delays come back, through the very sources and the procedure that a lab uses."""

from uuid import uuid4

import pytest

from moodring.configs.schema.live import LiveConfig
from moodring.realtime.engine.lsl_clock import LslClock
from moodring.realtime.lab.delays.calibrate import Procedure, calibrate
from moodring.realtime.lab.delays.report import table, toml_lines

pytestmark = [pytest.mark.lsl, pytest.mark.deadline]


def _config(names, declared):
    sections = {key: {"stream": {"name": name}, **declared.get(key, {})} for key, name in names.items()}
    return LiveConfig.model_validate({**sections, "lsl": {"resolve_timeout_s": 60.0}})


@pytest.fixture(scope="module")
def lab(rig):
    """The lab, its true delays, and the names of its streams."""
    names = {key: f"{key}-{uuid4().hex[:8]}" for key in ("eeg", "face", "speech")}
    return *rig(names, seed=6, lasts_s=150.0), names


def test_flash_beep_and_photodiode_give_the_devices_delays_whatever_was_declared(lab):
    stimuli, true_s, names = lab
    stimuli.be_able()
    config = _config(names, {"face": {"delay_s": 0.5}, "eeg": {"delay_s": 0.2}})
    report = calibrate(config, Procedure(repeats=6, photodiode="PHOTO"), stimuli, LslClock())
    rows = {row.modality: row for row in report.rows}
    assert {key: row.method for key, row in rows.items()} == {"eeg": "photodiode", "face": "flash", "speech": "beep"}
    assert all(row.delay is not None for row in report.rows), table(report)
    off_s = {key: row.delay.delay_s - true_s[key] for key, row in rows.items()}
    assert abs(off_s["face"]) < 0.020
    assert abs(off_s["speech"]) < 0.005
    assert abs(off_s["eeg"]) < 0.005
    assert rows["face"].declared_s == 0.5
    assert any("declares 500.0 ms" in line for line in table(report))


def test_without_a_screen_blinks_give_the_eeg_s_delay_on_top_of_the_camera_s(lab):
    stimuli, true_s, names = lab
    stimuli.be_able(no_flash="no display", no_beep="no loudspeaker")
    config = _config(names, {"face": {"delay_s": true_s["face"]}})
    report = calibrate(config, Procedure(blinks=6), stimuli, LslClock())
    rows = {row.modality: row for row in report.rows}
    assert rows["eeg"].method == "blinks"
    assert rows["eeg"].delay is not None, rows["eeg"].why
    assert abs(rows["eeg"].delay.delay_s - true_s["eeg"]) < 0.020
    assert (rows["face"].why, rows["speech"].why) == ("no display", "no loudspeaker")
    assert toml_lines(report)[0] == "[eeg]"
    assert sum("blink now" in line for line in stimuli.said) == 6
