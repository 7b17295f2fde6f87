"""Losses of a training as CSV and as TensorBoard events."""

import builtins
from pathlib import Path

import pytest

from moodring.configs.schema.errors import MoodringError
from moodring.offline.training.common.curves import (
    HELD_OUT,
    LossRow,
    check_losses,
    read_curves,
    write_curves,
    write_events,
    write_losses,
)

CURVES = [LossRow("core, first", 1, 10, 0.1 + 0.2), LossRow("core, first", 1, 20, 1e-9), LossRow("policy", 2, 2, 3.0)]
CURVES += [LossRow("policy", 2, 2, 4.0, HELD_OUT)]


def test_what_was_written_is_read_again_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "losses.csv"
    write_curves(path, CURVES)
    assert read_curves(path) == CURVES
    write_losses(tmp_path / "model.safetensors", "0" * 64, CURVES)
    check_losses(tmp_path / "model.safetensors")
    check_losses(tmp_path / "other.safetensors")
    assert read_curves(tmp_path / "model.losses.csv") == CURVES
    assert read_curves(tmp_path / "none.csv") == []


def test_a_table_from_before_people_were_held_out_is_read_and_written_over(tmp_path: Path) -> None:
    path = tmp_path / "model.losses.csv"
    path.write_text("stage,part,batch,loss\nteacher,1,10,0.5\n")
    assert read_curves(path) == [LossRow("teacher", 1, 10, 0.5)]
    check_losses(tmp_path / "model.safetensors")
    path.write_text("stage,part,notes\n")
    with pytest.raises(MoodringError, match="is something else"):
        check_losses(tmp_path / "model.safetensors")


def test_without_tensorboard_there_is_the_table_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return load(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert not write_events(tmp_path / "events", CURVES)
    assert not list(tmp_path.iterdir())


def test_tensorboard_reads_the_losses(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra [tensorboard] is not installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert write_events(tmp_path / "events", CURVES)
    read = EventAccumulator(str(tmp_path / "events")).Reload()
    assert [(event.step, event.value) for event in read.Scalars("policy/2")] == [(2, 3.0)]
    assert [(event.step, event.value) for event in read.Scalars("policy/2 held out")] == [(2, 4.0)]
    assert len(read.Scalars("core, first/1")) == 2
