"""One stage's batches: a run that was cut goes on at its last checkpoint and ends as an uninterrupted one.

A checkpoint holds all that the next batch depends on: the network, the optimiser with its averages, both random
generators, and what the stage itself remembers. So the result is the same to the last bit, wherever the run was cut.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from ....configs.schema.errors import MoodringError
from ....models.io.files import write_file
from .curves import HELD_OUT, LossRow
from .held_out import EarlyStopping, HeldOut
from .optimization import AveragedAdamW, Report

CHECKPOINT_S = 30.0
_REPORT_S = 20.0
_ROW_BATCHES = 10
_METADATA = "moodring_stage"


class Memory(Protocol):
    """What a stage remembers from batch to batch, beside its network: its optimiser, and whatever else it needs."""

    def state(self) -> dict[str, Tensor]:
        """Return all of it as tensors by name."""
        ...

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take it over from :meth:`state`."""
        ...


class ModuleMemory:
    """The weights of a further module, such as a copy of what the network was when the stage began."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module

    def state(self) -> dict[str, Tensor]:
        """Return the weights."""
        return dict(self._module.state_dict())

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Take over the weights from :meth:`state`."""
        self._module.load_state_dict(state)


@dataclass(frozen=True)
class _Cut:
    """Where a run was cut: the part, the batches done in it, and what was kept."""

    part: int
    done: int
    pending: tuple[float, ...]
    tensors: dict[str, Tensor]


class StageRun:
    """A stage on its way; call it with a line to report.

    Parameters
    ----------
    name : str
    network : nn.Module
        All of whose weights a checkpoint keeps; where there is one, they are restored at once.
    file : Path or None
        The checkpoint; None keeps none.
    report : callable
    now : callable
        Seconds on a clock that goes on.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        file: Path | None,
        report: Report,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name, self._network, self._file, self._report, self._now = name, network, file, report, now
        self.curves: list[LossRow] = []
        self._part = 0
        self._pending: list[float] = []
        self._cut = self._read()
        if self._cut is not None:
            network.load_state_dict(_group(self._cut.tensors, "network."))
            report(f"stage {name}: goes on after batch {self._cut.done} of part {self._cut.part}")

    def __call__(self, line: str) -> None:
        """Report a line."""
        self._report(line)

    def batches(
        self,
        total: int,
        optimizer: Memory,
        rng: torch.Generator,
        memory: Memory | None = None,
        stopping: EarlyStopping | None = None,
    ) -> Iterator[int]:
        """Yield the numbers of the batches still to do, counted from 0; call :meth:`loss` in each.

        Parameters
        ----------
        total : int
        optimizer : Memory
            :class:`AveragedAdamW` or :class:`AveragedSgd`. Made anew for this part; it takes its state from the
            checkpoint where the run was cut in this part.
        rng : Generator
            The stage's own.
        memory : Memory, optional
        stopping : EarlyStopping, optional
            Of :class:`AveragedAdamW` alone. Ends the batches early; the optimiser's average is then that of the lowest
            loss of the people held out.
        """
        self._part += 1
        held_out = None
        if stopping is not None:
            if not isinstance(optimizer, AveragedAdamW):
                raise TypeError(f"early stopping knows AveragedAdamW alone, {type(optimizer).__name__} came")
            held_out = HeldOut(stopping, optimizer)
        begin = self._resume(total, optimizer, rng, memory, held_out)
        self._pending = list(self._cut.pending) if self._cut is not None and self._cut.part == self._part else []
        started_s = kept_s = told_s = self._now()
        for number in range(begin, total):
            if held_out is not None and held_out.over:
                break
            yield number
            done = number + 1
            others = held_out.look(done) if held_out is not None and held_out.is_due(done, total) else None
            now_s, last = self._now(), done == total or (held_out is not None and held_out.over)
            if len(self._pending) >= _ROW_BATCHES or (last and self._pending):
                mean = sum(self._pending) / len(self._pending)
                self.curves.append(LossRow(self._name, self._part, done, mean))
                self._pending.clear()
            trained = self._newest_loss()
            if trained is not None and (last or now_s - told_s >= _REPORT_S):
                left_s = (now_s - started_s) / (done - begin) * (0 if last else total - done)
                self._report(f"stage {self._name}: batch {done}/{total}, loss {trained:.3f}, {left_s:.0f} s left")
                told_s = now_s
            if others is not None:
                self.curves.append(LossRow(self._name, self._part, done, others, HELD_OUT))
            if now_s - kept_s >= CHECKPOINT_S:
                self._keep(done, optimizer, rng, memory, held_out)
                kept_s = self._now()
        if held_out is not None and self._is_current():
            self._report(f"stage {self._name}: {held_out.keep_best()}")

    def loss(self, value: Tensor | float) -> None:
        """Note the loss of the batch."""
        self._pending.append(float(value.detach()) if isinstance(value, Tensor) else value)

    def finish(self) -> None:
        """Remove the checkpoint, once the stage's result is kept."""
        if self._file is not None:
            self._file.unlink(missing_ok=True)

    def _newest_loss(self) -> float | None:
        return next((row.loss for row in reversed(self.curves) if row.people != HELD_OUT), None)

    def _is_current(self) -> bool:
        """Return whether the part was run, or cut, in this run of the stage, rather than finished before the cut."""
        return self._cut is None or self._part >= self._cut.part

    def _resume(
        self,
        total: int,
        optimizer: Memory,
        rng: torch.Generator,
        memory: Memory | None,
        held_out: HeldOut | None,
    ) -> int:
        """Take over the checkpoint where it is of this part; return how many batches are done."""
        cut = self._cut
        if cut is None or self._part > cut.part:
            return 0
        if self._part < cut.part:
            return total
        optimizer.restore(_group(cut.tensors, "optimizer."))
        if memory is not None:
            memory.restore(_group(cut.tensors, "memory."))
        if held_out is not None:
            held_out.restore(_group(cut.tensors, "held_out."))
        rng.set_state(cut.tensors["rng"])
        torch.set_rng_state(cut.tensors["torch_rng"])
        return cut.done

    def _keep(
        self,
        done: int,
        optimizer: Memory,
        rng: torch.Generator,
        memory: Memory | None,
        held_out: HeldOut | None,
    ) -> None:
        if self._file is None:
            return
        tensors = {f"network.{name}": tensor for name, tensor in self._network.state_dict().items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in optimizer.state().items()}
        tensors |= {f"memory.{name}": tensor for name, tensor in (memory.state() if memory else {}).items()}
        tensors |= {f"held_out.{name}": tensor for name, tensor in (held_out.state() if held_out else {}).items()}
        tensors |= {"rng": rng.get_state(), "torch_rng": torch.get_rng_state()}
        rows = [(row.part, row.batch, row.loss, row.people) for row in self.curves]
        words = json.dumps({"part": self._part, "done": done, "rows": rows, "pending": self._pending})
        plain = {name: tensor.detach().clone().contiguous() for name, tensor in tensors.items()}
        try:
            write_file(self._file, save(plain, {_METADATA: words}))
        except (OSError, SafetensorError) as error:
            raise MoodringError(f"checkpoint '{self._file}' cannot be written: {error}; free some space") from error

    def _read(self) -> _Cut | None:
        if self._file is None or not self._file.is_file():
            return None
        try:
            with safe_open(self._file, framework="pt", device="cpu") as file:
                words = json.loads((file.metadata() or {})[_METADATA])
                # Copied to memory of their own: how tensors lie in the file would change the rounding of what comes.
                tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 - no __iter__
        except (OSError, SafetensorError, KeyError, ValueError) as error:
            self._report(f"checkpoint '{self._file}' cannot be read ({error}); the stage begins anew")
            return None
        self.curves = [LossRow(self._name, *row) for row in words["rows"]]
        return _Cut(words["part"], words["done"], tuple(words["pending"]), tensors)


def _group(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
