"""Damaged journals: a line that does not fit its check, or makes no sense, is left out, counted and told."""

import json

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.configs.schema.live import EegSection, LiveConfig, StreamQuery
from moodring.models.io.journal import Journal, journal_line, read_journal
from moodring.offline.decoding.decode import decode

LOOK = {"time_s": 1.0, "frame_stamp_s": 0.98, "face": None, "waited_frames": 1}


@pytest.fixture(scope="module")
def estimates(fakes):
    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))
    return decode(fakes.recording(5.0), config, models=fakes.fake_models()).estimates


@pytest.fixture
def path(tmp_path, estimates):
    with Journal(tmp_path / "decisions.jsonl") as journal:
        for estimate in estimates:
            journal.append(estimate)
    return tmp_path / "decisions.jsonl"


def changed(path, line, **values):
    """Replace values of a line, as somebody who leaves the check away."""
    lines = path.read_bytes().split(b"\n")
    entry = {key: value for key, value in json.loads(lines[line]).items() if key != "crc32"} | values
    path.write_bytes(b"\n".join([*lines[:line], json.dumps(entry).encode(), *lines[line + 1 :]]))


def test_a_line_is_json_and_carries_its_check(estimates):
    assert len(json.loads(journal_line(estimates[0]))["crc32"]) == 8


def test_a_flipped_digit_costs_its_line_and_is_told(path, estimates, caplog):
    raw = path.read_bytes()
    at = raw.index(b"session_time_s", len(raw) // 2) + 17
    path.write_bytes(raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :])
    assert len(read_journal(path)) == len(estimates) - 1
    assert f"1 of {len(estimates)} lines are damaged and left out" in caplog.text
    assert "does not fit its check" in caplog.text


@pytest.mark.parametrize(
    "values",
    [
        {"time_s": 1e300},
        {"session_time_s": -1e9},
        {"ring_samples": {"eeg": -1}},
        {"ring_samples": {"eeg": 10**400}},
        {"looks": [LOOK | {"waited_frames": "soon"}]},
        {"band_attention": [[1], 2]},
        {"band_attention": [10**400]},
        {"heads": [{"name": "valence", "construct": "felt", "classes": ["a", "b"], "probabilities": [3.0, -2.0]}]},
        {"heads": 3},
        {"used": "[" * 9},
    ],
    ids=lambda values: next(iter(values)),
)  # fmt: skip
def test_a_line_that_makes_no_sense_is_left_out(path, estimates, values, caplog):
    changed(path, 2, **values)
    assert len(read_journal(path)) == len(estimates) - 1
    assert "left out" in caplog.text


def test_a_line_nested_a_thousand_deep_is_left_out(path, estimates):
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([b'{"heads":' + b"[" * 5000, *lines]))
    assert len(read_journal(path)) == len(estimates)


def test_a_journal_without_one_good_line_is_refused_in_one_line(path):
    path.write_bytes(b'{"time_s": 1}\n' * 3)
    with pytest.raises(MoodringError, match="is damaged, or of a moodring before") as caught:
        read_journal(path)
    assert "\n" not in str(caught.value)


def test_lines_of_before_there_was_a_check_are_read(path, estimates):
    for line in range(len(estimates)):
        changed(path, line)
    assert len(read_journal(path)) == len(estimates)
