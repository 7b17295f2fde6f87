"""Stages that are cut go on as if they had not been."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from moodring.configs.schema.errors import MoodringError
from moodring.offline.training.common.curves import HELD_OUT, LossRow
from moodring.offline.training.common.held_out import EarlyStopping
from moodring.offline.training.common.optimization import AveragedAdamW
from moodring.offline.training.common.stage_run import CHECKPOINT_S, StageRun


class Clock:
    """A clock on which each batch takes as long as a checkpoint is apart."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += CHECKPOINT_S
        return self.now_s


class Cut(BaseException):
    """The process is killed."""


class Seen:
    """Remembers the draws of the stage so far."""

    def __init__(self) -> None:
        self.sum = torch.zeros(())

    def state(self) -> dict[str, Tensor]:
        return {"sum": self.sum}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        self.sum = state["sum"].clone()


def network() -> nn.Module:
    torch.manual_seed(3)
    return nn.ModuleDict({"a": nn.Linear(4, 4), "b": nn.Linear(4, 2)})


def train(net: nn.Module, run: StageRun, cut_after: int = 10**6) -> None:
    """Train in two parts, the second with a layer that is thrown away; both generators and a memory matter."""
    torch.manual_seed(5)
    rng = torch.Generator().manual_seed(7)
    batches = 0
    for part in ("a", "b"):
        thrown_away, seen = nn.Linear(4 if part == "a" else 2, 1), Seen()
        optimizer = AveragedAdamW([*net[part].parameters(), *thrown_away.parameters()], 1e-2, 30, 0.1)  # type: ignore[index]
        for number in run.batches(30, optimizer, rng, seen):
            x = torch.randn(8, 4, generator=rng) + seen.sum
            hidden = nn.functional.dropout(net["a"](x), 0.3)  # type: ignore[index]
            loss = (thrown_away(hidden if part == "a" else net["b"](hidden)) ** 2 + number * 1e-3).mean()  # type: ignore[index]
            optimizer.step(loss)
            seen.sum = seen.sum + 0.01 * loss.detach()
            run.loss(loss)
            batches += 1
            if batches == cut_after:
                raise Cut
        optimizer.use_average()


def train_until(
    net: nn.Module, run: StageRun, held_out: Callable[[], float], patience: int = 3, cut_after: int = 10**6
) -> None:
    """Train with early stopping, looking every fourth batch of at most 60; dropout draws from the global generator."""
    torch.manual_seed(5)
    rng = torch.Generator().manual_seed(7)
    optimizer = AveragedAdamW(net.parameters(), 1e-2, 60, 0.1)
    stopping = EarlyStopping(held_out, 4, patience)
    for batches, _ in enumerate(run.batches(60, optimizer, rng, stopping=stopping), start=1):
        hidden = nn.functional.dropout(net["a"](torch.randn(8, 4, generator=rng)), 0.3)  # type: ignore[index]
        loss = (net["b"](hidden) ** 2).mean()  # type: ignore[index]
        optimizer.step(loss)
        run.loss(loss)
        if batches == cut_after:
            raise Cut
    optimizer.use_average()


def weights(net: nn.Module) -> Iterator[Tensor]:
    yield from net.state_dict().values()


@pytest.mark.parametrize("every", [1, 7, 23, 31, 59])
def test_a_stage_cut_anywhere_ends_as_one_that_was_not(every: int, tmp_path: Path) -> None:
    whole, expected = network(), list[StageRun]()
    expected.append(StageRun("test", whole, None, lambda _: None, Clock()))
    train(whole, expected[0])
    said: list[str] = []
    for _ in range(100):
        net = network()
        run = StageRun("test", net, tmp_path / "test.partial", said.append, Clock())
        try:
            train(net, run, every + 1)
        except Cut:
            continue
        break
    assert all(torch.equal(one, other) for one, other in zip(weights(net), weights(whole), strict=True))
    assert run.curves == expected[0].curves
    assert [row.batch for row in run.curves] == [10, 20, 30] * 2
    assert any("goes on after batch" in line for line in said)
    run.finish()
    assert not list(tmp_path.iterdir())


def test_a_stage_stops_when_the_held_out_loss_no_longer_falls_and_keeps_the_best_weights() -> None:
    net, said = network(), list[str]()
    looked: list[list[Tensor]] = []
    losses = iter([3.0, 2.0, 1.0, 4.0, 1.5, float("nan"), 0.0])

    def held_out() -> float:
        looked.append([tensor.clone() for tensor in weights(net)])
        return next(losses)

    run = StageRun("core", net, None, said.append, Clock())
    train_until(net, run, held_out)
    assert len(looked) == 6  # three looks in a row without a lower one, of which one is no number
    assert all(torch.equal(one, best) for one, best in zip(weights(net), looked[2], strict=True))
    assert not all(torch.equal(one, other) for one, other in zip(weights(net), looked[5], strict=True))
    others = [row for row in run.curves if row.people == HELD_OUT]
    assert others[:2] == [LossRow("core", 1, 4, 3.0, HELD_OUT), LossRow("core", 1, 8, 2.0, HELD_OUT)]
    assert [row.batch for row in run.curves if row.people != HELD_OUT] == [10, 20, 24]
    assert said[-1] == "stage core: people held out have the lowest loss, 1.000, after batch 12; it is kept"
    assert said[-2].startswith("stage core: batch 24/60, loss ")


def test_looking_at_the_held_out_loss_changes_no_draw_and_no_weight() -> None:
    looked = network()
    # The last look has the lowest loss, so the weights are those of a training that never looked.
    falling = iter(range(99, 0, -1))
    train_until(
        looked,
        StageRun("core", looked, None, lambda _: None, Clock()),
        lambda: next(falling) + 0.0 * float(torch.rand(1)),
    )
    never = network()
    torch.manual_seed(5)
    rng = torch.Generator().manual_seed(7)
    optimizer = AveragedAdamW(never.parameters(), 1e-2, 60, 0.1)
    for _ in range(60):
        hidden = nn.functional.dropout(never["a"](torch.randn(8, 4, generator=rng)), 0.3)  # type: ignore[index]
        optimizer.step((never["b"](hidden) ** 2).mean())  # type: ignore[index]
    optimizer.use_average()
    assert all(torch.equal(one, other) for one, other in zip(weights(looked), weights(never), strict=True))


@pytest.mark.parametrize("every", [1, 3, 7, 23])
def test_a_stage_that_stops_early_and_was_cut_anywhere_ends_as_one_that_was_not(every: int, tmp_path: Path) -> None:
    def follows(net: nn.Module) -> Callable[[], float]:
        """Return a loss of the weights alone, lowest where the first of them has fallen by some way."""
        begun = float(next(weights(network()))[0, 0])
        return lambda: float(torch.rand(1)) * 0.0 + abs(float(next(weights(net))[0, 0]) - begun + 0.02)

    whole = network()
    expected = StageRun("test", whole, None, lambda _: None, Clock())
    train_until(whole, expected, follows(whole))
    assert 0 < sum(row.people == HELD_OUT for row in expected.curves) < 15  # it did stop
    for _ in range(100):
        net = network()
        run = StageRun("test", net, tmp_path / "test.partial", lambda _: None, Clock())
        try:
            train_until(net, run, follows(net), cut_after=every + 1)
        except Cut:
            continue
        break
    assert all(torch.equal(one, other) for one, other in zip(weights(net), weights(whole), strict=True))
    assert run.curves == expected.curves


def test_without_a_number_the_last_weights_are_kept_and_it_is_said() -> None:
    net, said = network(), list[str]()
    train_until(net, StageRun("core", net, None, said.append, Clock()), lambda: float("nan"))
    assert said[-1] == "stage core: no loss of the people held out is a number; the last weights are kept"


def test_the_time_left_is_told() -> None:
    said: list[str] = []
    net = network()
    train(net, StageRun("core", net, None, said.append, Clock()))
    assert any(line.startswith("stage core: batch 10/30, loss ") and line.endswith(" s left") for line in said)
    assert said[-1].startswith("stage core: batch 30/30")
    assert said[-1].endswith(" 0 s left")


@pytest.mark.parametrize("spoil", [lambda p: p.write_bytes(b"nothing"), lambda p: p.write_bytes(p.read_bytes()[:200])])
def test_a_damaged_checkpoint_begins_the_stage_anew(spoil: Callable[[Path], object], tmp_path: Path) -> None:
    whole, net, said = network(), network(), list[str]()
    train(whole, StageRun("test", whole, None, lambda _: None, Clock()))
    file = tmp_path / "test.partial"
    with pytest.raises(Cut):
        train(net, StageRun("test", net, file, lambda _: None, Clock()), 9)
    spoil(file)
    net = network()
    train(net, StageRun("test", net, file, said.append, Clock()))
    assert "cannot be read" in said[0]
    assert "begins anew" in said[0]
    assert all(torch.equal(one, other) for one, other in zip(weights(net), weights(whole), strict=True))


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    net = network()
    (tmp_path / "file").write_text("")
    with pytest.raises(MoodringError, match="cannot be written"):
        train(net, StageRun("test", net, tmp_path / "file" / "below" / "test.partial", lambda _: None, Clock()))
