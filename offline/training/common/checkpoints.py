"""Checkpoints of a training run: one per epoch, of which the best and the newest are kept."""

import json
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from ....configs.schema.errors import MoodringError
from ....models.io.files import write_file

_RUN = "moodring_run"
_LOSSES = "moodring_losses"


@dataclass(frozen=True)
class Checkpoint:
    """State from which a training resumes.

    Attributes
    ----------
    weights, momentum : dict of str to Tensor
        State of the network, and SGD's momentum of each parameter.
    losses : tuple of float
        On the people to stop by, after each epoch so far.
    """

    weights: dict[str, Tensor]
    momentum: dict[str, Tensor]
    losses: tuple[float, ...]

    @property
    def best_epoch(self) -> int:
        """Epoch with the lowest loss, counted from 1."""
        return min(range(len(self.losses)), key=self.losses.__getitem__) + 1


class Checkpoints:
    """The checkpoints of one run in a folder.

    Parameters
    ----------
    folder : Path
    run : str
        Identifies the run: its config and data. Checkpoints of another run are left alone and not resumed.
    """

    def __init__(self, folder: Path, run: str) -> None:
        self._folder = folder
        self._run = run

    def save(self, checkpoint: Checkpoint) -> None:
        """Write the checkpoint of the epoch just over; drop those that are neither the best nor this one."""
        epoch = len(checkpoint.losses)
        tensors = {f"weights.{name}": tensor for name, tensor in checkpoint.weights.items()}
        tensors |= {f"momentum.{name}": tensor for name, tensor in checkpoint.momentum.items()}
        plain = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
        path = self._file(epoch)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            write_file(path, save(plain, {_RUN: self._run, _LOSSES: json.dumps(checkpoint.losses)}))
        except (OSError, SafetensorError) as error:
            raise MoodringError(f"checkpoint '{path}' cannot be written: {error}; free or choose a place") from error
        for other in range(1, epoch):
            if other != checkpoint.best_epoch:
                self._file(other).unlink(missing_ok=True)

    def newest(self) -> Checkpoint | None:
        """Read the newest checkpoint of this run that can be read; None where there is none."""
        for path in sorted(self._folder.glob("epoch_*.safetensors"), reverse=True):
            checkpoint = self._read(path)
            # A run stopped while writing may have left the newest without the best that it refers to.
            if checkpoint is not None and self._file(checkpoint.best_epoch).is_file():
                return checkpoint
        return None

    def best(self, checkpoint: Checkpoint) -> Checkpoint:
        """Read the best checkpoint up to another one.

        Raises
        ------
        MoodringError
            It is gone, or of another run.
        """
        path = self._file(checkpoint.best_epoch)
        best = self._read(path)
        if best is None:
            raise MoodringError(f"checkpoint '{path}' of this run is gone or damaged; train again")
        return best

    def clear(self) -> None:
        """Remove the checkpoints, and the folder where nothing else is in it."""
        for path in self._folder.glob("epoch_*.safetensors*"):
            path.unlink()
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()

    def _file(self, epoch: int) -> Path:
        return self._folder / f"epoch_{epoch:03d}.safetensors"

    def _read(self, path: Path) -> Checkpoint | None:
        weights: dict[str, Tensor] = {}
        momentum: dict[str, Tensor] = {}
        try:
            with safe_open(path, framework="pt", device="cpu") as file:
                metadata: dict[str, str] = file.metadata() or {}
                if metadata.get(_RUN) != self._run:
                    return None
                for name in file.keys():  # noqa: SIM118 - it has no __iter__
                    group, _, key = name.partition(".")
                    (weights if group == "weights" else momentum)[key] = file.get_tensor(name)
        except (OSError, SafetensorError):
            return None
        return Checkpoint(weights, momentum, tuple(json.loads(metadata[_LOSSES])))


def momentum_of(network: nn.Module, optimizer: Optimizer) -> dict[str, Tensor]:
    """Return SGD's momentum of each parameter, for a checkpoint."""
    return {name: optimizer.state[parameter]["momentum_buffer"] for name, parameter in network.named_parameters()}


def restore(network: nn.Module, optimizer: Optimizer, checkpoint: Checkpoint) -> None:
    """Go back to the weights and momentum of a checkpoint."""
    network.load_state_dict(checkpoint.weights)
    for name, parameter in network.named_parameters():
        optimizer.state[parameter]["momentum_buffer"] = checkpoint.momentum[name].to(parameter.device)
