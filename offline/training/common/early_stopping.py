"""Stochastic gradient descent with Nesterov momentum, early stopping and one checkpoint per epoch.

An interrupted run goes on after its newest checkpoint and ends as an uninterrupted one: the learning rate, the order of
the batches and dropout depend on the epoch alone.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .checkpoints import Checkpoint, Checkpoints, momentum_of, restore

Report = Callable[[str], None]
_LARGEST_GRADIENT_NORM = 2.0


@dataclass(frozen=True)
class SgdSettings:
    """Settings of the optimiser and of early stopping.

    Attributes
    ----------
    learning_rate : float
        Of the first epoch; it falls to 0 along a cosine over all epochs.
    momentum, weight_decay : float
    epochs : int
        At most so many.
    patience : int
        Stop after so many epochs in a row that have not lowered the held-out loss.
    """

    learning_rate: float
    momentum: float
    weight_decay: float
    epochs: int
    patience: int


def fit_with_early_stopping(
    network: nn.Module,
    settings: SgdSettings,
    seed: int,
    batch_losses: Callable[[np.random.Generator], Iterator[Tensor]],
    held_out_loss: Callable[[], float],
    checkpoints: Checkpoints,
    report: Report,
) -> Checkpoint:
    """Train a network until the epochs are over or nothing improves; load the weights of the best epoch into it.

    Parameters
    ----------
    network : nn.Module
    settings : SgdSettings
    seed : int
    batch_losses : callable
        Yields the loss of each batch of an epoch, computed when it is asked for; takes the epoch's generator.
    held_out_loss : callable
        Returns the loss to stop by.
    checkpoints : Checkpoints
    report : callable
        Takes one line per epoch.

    Returns
    -------
    Checkpoint
        The newest one: its losses are those of all epochs.

    Raises
    ------
    MoodringError
        A checkpoint cannot be written, or the best one is gone.
    """
    newest = checkpoints.newest()
    done = len(newest.losses) if newest else 0
    optimizer = torch.optim.SGD(
        [{"params": list(network.parameters()), "initial_lr": settings.learning_rate}],
        settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
        nesterov=True,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda epoch: 0.5 * (1.0 + math.cos(math.pi * epoch / settings.epochs)), last_epoch=done - 1
    )
    if newest is not None:
        restore(network, optimizer, newest)
        report(f"goes on after epoch {done}")
    while newest is None or not _is_over(newest, settings):
        torch.manual_seed(1_000 * seed + done)
        network.train()
        losses = []
        for loss in batch_losses(np.random.default_rng((seed, done))):
            optimizer.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            nn.utils.clip_grad_norm_(network.parameters(), _LARGEST_GRADIENT_NORM)
            optimizer.step()
            losses.append(float(loss.detach()))
        schedule.step()
        held_out = held_out_loss()
        newest = Checkpoint(
            dict(network.state_dict()),
            momentum_of(network, optimizer),
            (*(newest.losses if newest else ()), held_out),
        )
        checkpoints.save(newest)
        done += 1
        report(f"epoch {done} of at most {settings.epochs}: loss {np.mean(losses):.3f}, held out {held_out:.3f}")
    network.load_state_dict(checkpoints.best(newest).weights)
    return newest


def _is_over(newest: Checkpoint, settings: SgdSettings) -> bool:
    done = len(newest.losses)
    return done >= settings.epochs or done - newest.best_epoch >= settings.patience
