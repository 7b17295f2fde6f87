import dataclasses
import json

import numpy as np
import pytest

from moodring.configs.schema.errors import ConfigError, MoodringError
from moodring.models.contract import Estimate
from moodring.models.io import wire
from moodring.models.io.journal import Journal, read_journal
from moodring.realtime.ipc.snapshot import Snapshot


def _same(a, b):
    if dataclasses.is_dataclass(a):
        return type(a) is type(b) and all(
            _same(getattr(a, field.name), getattr(b, field.name)) for field in dataclasses.fields(a)
        )
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and np.array_equal(a, b, equal_nan=True)
    if isinstance(a, tuple):
        return isinstance(b, tuple) and len(a) == len(b) and all(map(_same, a, b))
    return a == b


@pytest.fixture
def estimates(fakes):
    from moodring.configs.schema.live import EegSection, LiveConfig, StreamQuery
    from moodring.offline.decoding.decode import decode

    config = LiveConfig(eeg=EegSection(stream=StreamQuery(name="x")))
    return decode(fakes.recording(6.0), config, models=fakes.fake_models()).estimates


def test_an_estimate_comes_back_as_it_was(estimates):
    assert any(estimate.answer("speech") for estimate in estimates)
    assert any(estimate.looks for estimate in estimates)
    for estimate in estimates:
        assert _same(wire.decode(Estimate, wire.encode(estimate)), estimate)


def test_a_snapshot_comes_back_as_it_was(stage):
    stage.t = 30.0
    snapshot = stage.snapshot()
    data = wire.encode(snapshot)
    json.loads(data)
    assert b"\n" not in data
    assert _same(wire.decode(Snapshot, data), snapshot)


@pytest.mark.parametrize("data", [b"{", b"[]", b"3", b'{"engine": 3}', b'{"unknown": 1}'])
def test_what_is_no_snapshot_is_refused_in_one_line(data):
    with pytest.raises(MoodringError, match="Snapshot was expected") as caught:
        wire.decode(Snapshot, data)
    assert "\n" not in str(caught.value)


def test_nan_is_null(estimates):
    broken = dataclasses.replace(estimates[0], time_s=float("nan"))
    assert json.loads(wire.encode(broken))["time_s"] is None


def test_the_journal_survives_a_line_cut_off(tmp_path, estimates):
    path = tmp_path / "decisions.jsonl"
    with Journal(path) as journal:
        for estimate in estimates:
            journal.append(estimate)
    with path.open("ab") as file:
        file.write(b'{"time_s": 3')
    assert all(map(_same, read_journal(path), estimates))
    assert len(read_journal(path)) == len(estimates)


def test_a_journal_that_cannot_be_written_says_so(tmp_path):
    (tmp_path / "decisions.jsonl").mkdir()
    with pytest.raises(MoodringError, match="cannot be written"):
        Journal(tmp_path / "decisions.jsonl")
    with pytest.raises(ConfigError, match=r"the folder '.*mistyped' is not there; make it"):
        Journal(tmp_path / "mistyped" / "decisions.jsonl")
    with pytest.raises(MoodringError, match="cannot be read"):
        read_journal(tmp_path / "nothing.jsonl")
