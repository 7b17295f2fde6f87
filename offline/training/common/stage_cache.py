"""Training stages in order; what a finished stage left is found again by the versions and settings it depends on."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file, save
from torch import nn

from ....models.io.files import write_file
from .curves import LossRow, read_curves, write_curves
from .optimization import Report
from .stage_run import StageRun
from .stages import Stage


class StageCache:
    """Weights of a network after each stage, kept in a folder; ``curves`` holds the losses of those that were run.

    Parameters
    ----------
    network : nn.Module
    folder : Path
    settings : plain values
        Those that every stage depends on.
    report : callable
        Takes a line per stage.
    """

    def __init__(self, network: nn.Module, folder: Path, settings: Any, report: Report) -> None:
        self._network, self._folder, self._report = network, folder, report
        self._settings = [settings]
        self.curves: list[LossRow] = []

    def run(self, stage: Stage, settings: Any, train: Callable[[StageRun], None]) -> None:
        """Train a stage, from its checkpoint where it was cut, or load the weights that it left.

        Parameters
        ----------
        stage : Stage
        settings : plain values
            Those that this stage and all later ones depend on.
        train : callable
            Trains the network in place; takes the run of the stage.
        """
        self._settings.append(settings)
        name = stage.name.replace(" ", "-")
        path = self._folder / f"stage-{name}-{stage.key(self._settings)[:16]}.safetensors"
        curve = path.with_suffix(".csv")
        if path.exists():
            self._network.load_state_dict(load_file(path))
            self._report(f"stage {stage.name}: from the cache")
        else:
            started = time.monotonic()
            run = StageRun(stage.name, self._network, path.with_suffix(".partial"), self._report)
            train(run)
            write_curves(curve, run.curves)
            write_file(path, save({name: one.contiguous() for name, one in self._network.state_dict().items()}))
            run.finish()
            self._report(f"stage {stage.name}: {time.monotonic() - started:.0f} s")
        self.curves += read_curves(curve)
        self._network.eval()
