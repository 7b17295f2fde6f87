"""Shared by trainings in stages: optimiser, seeded generators, smoothed figures."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Report = Callable[[str], None]
_AVERAGE_DECAY = 0.98
_LARGEST_GRADIENT_NORM = 1.0
_LARGEST_SGD_GRADIENT_NORM = 5.0
_RISING = 0.1  # of the steps


class AveragedAdamW:
    """AdamW with clipped gradients, a learning rate that falls to a tenth along a cosine, and averaged weights.

    The average of the weights over the last steps generalises better than the last ones (Polyak and Juditsky 1992,
    Acceleration of stochastic approximation by averaging, https://doi.org/10.1137/0330046).

    Parameters
    ----------
    parameters : iterable of Parameter
    learning_rate : float
        Of the first step.
    steps : int
        How many there will be.
    weight_decay : float
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], learning_rate: float, steps: int, weight_decay: float
    ) -> None:
        self._parameters = nn.ParameterList(parameters)
        self._done, self._rate = 0, learning_rate
        self._average = AveragedModel(self._parameters, avg_fn=_running_average)
        self._adam = torch.optim.AdamW(self._parameters, lr=learning_rate, weight_decay=weight_decay)
        self._schedule = torch.optim.lr_scheduler.LambdaLR(
            self._adam, lambda step: 0.1 + 0.45 * (1.0 + math.cos(math.pi * min(1.0, step / max(1, steps))))
        )
        self._share = self._schedule.lr_lambdas[0]

    def step(self, loss: Tensor) -> None:
        """Take one gradient step on a loss."""
        self._adam.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._parameters, _LARGEST_GRADIENT_NORM)
        self._adam.step()
        self._schedule.step()
        self._average.update_parameters(self._parameters)
        self._done += 1

    def state(self) -> dict[str, Tensor]:
        """Return parameters, moments and averages by name, for a checkpoint."""
        tensors = {"done": torch.tensor(self._done)}
        for number, parameter in enumerate(self._parameters):
            tensors[f"{number}.parameter"] = parameter.detach()
            tensors |= {f"{number}.adam.{name}": value for name, value in self._adam.state[parameter].items()}
        return tensors | {f"average.{name}": value for name, value in self._average.state_dict().items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what :meth:`state` returned; the next steps are those that followed it, to the last bit."""
        self._done = int(state["done"])
        with torch.no_grad():
            for number, parameter in enumerate(self._parameters):
                parameter.copy_(state[f"{number}.parameter"])
                prefix = f"{number}.adam."
                moments = {name.removeprefix(prefix): v for name, v in state.items() if name.startswith(prefix)}
                self._adam.state[parameter].update({name: value.clone() for name, value in moments.items()})
        average = {k.removeprefix("average."): v for k, v in state.items() if k.startswith("average.")}
        self._average.load_state_dict(average)
        rate = self._rate * self._share(self._done)
        self._schedule.load_state_dict(
            {**self._schedule.state_dict(), "last_epoch": self._done, "_step_count": self._done + 1, "_last_lr": [rate]}
        )
        for group in self._adam.param_groups:
            group["lr"] = rate

    def average(self) -> list[Tensor]:
        """Return a copy of the averaged weights."""
        return [average.detach().clone() for average in self._average.parameters()]

    def set_average(self, weights: Sequence[Tensor]) -> None:
        """Replace the averaged weights by what :meth:`average` returned once."""
        _copy(weights, self._average.parameters())

    def use_average(self) -> None:
        """Replace the weights by their average; call it after the last step."""
        _copy(self._average.parameters(), self._parameters)

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Within it the weights are their average; then they are what they were."""
        weights = [parameter.detach().clone() for parameter in self._parameters]
        self.use_average()
        try:
            yield
        finally:
            _copy(weights, self._parameters)


class AveragedSgd:
    """SGD with Nesterov momentum and clipped gradients; the rate rises over a tenth, then falls to 0 along a cosine.

    Beside it runs an average of all that the network knows, the statistics of batch normalisation among it.

    Parameters
    ----------
    network : nn.Module
    learning_rate : float
        The highest.
    steps : int
        How many there will be.
    weight_decay : float
        Of weights of convolutions and linear layers, not of offsets and normalisation.
    average_decay : float
    """

    def __init__(
        self, network: nn.Module, learning_rate: float, steps: int, weight_decay: float, average_decay: float = 0.998
    ) -> None:
        self._network, self._rate, self._steps, self._decay = network, learning_rate, steps, average_decay
        self._done = 0
        self._names = [name for name, _ in network.named_parameters()]
        parameters = list(network.parameters())
        self._sgd = torch.optim.SGD(
            [
                {"params": [one for one in parameters if one.ndim > 1], "weight_decay": weight_decay},
                {"params": [one for one in parameters if one.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=learning_rate,
            momentum=0.9,
            nesterov=True,
        )
        self._average = {name: value.detach().clone() for name, value in network.state_dict().items()}

    def step(self, loss: Tensor) -> None:
        """Take one gradient step on a loss."""
        for group in self._sgd.param_groups:
            group["lr"] = self._rate * _one_cycle(self._done / max(1, self._steps))
        self._sgd.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self._network.parameters(), _LARGEST_SGD_GRADIENT_NORM)
        self._sgd.step()
        self._done += 1
        decay = min(self._decay, self._done / (self._done + 10.0))
        with torch.no_grad():
            for name, value in self._network.state_dict().items():
                if value.is_floating_point():
                    self._average[name].lerp_(value, 1.0 - decay)
                else:
                    self._average[name].copy_(value)

    def average(self) -> dict[str, Tensor]:
        """Return the averaged state of the network."""
        return self._average

    def state(self) -> dict[str, Tensor]:
        """Return momenta and averages by name, for a checkpoint; the network's own state is kept beside it."""
        tensors = {"done": torch.tensor(self._done)}
        for name, parameter in zip(self._names, self._network.parameters(), strict=True):
            if (momentum := self._sgd.state[parameter].get("momentum_buffer")) is not None:
                tensors[f"momentum.{name}"] = momentum
        return tensors | {f"average.{name}": value for name, value in self._average.items()}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what :meth:`state` returned; the next steps are those that followed it, to the last bit."""
        self._done = int(state["done"])
        for name, parameter in zip(self._names, self._network.parameters(), strict=True):
            if (momentum := state.get(f"momentum.{name}")) is not None:
                self._sgd.state[parameter]["momentum_buffer"] = momentum.clone()
        self._average = {name: state[f"average.{name}"].clone() for name in self._average}


def generator_for(seed: int, stage: int) -> torch.Generator:
    """Return a stage's own random generator, so that resuming after a stage changes nothing."""
    return torch.Generator().manual_seed(1_000_003 * seed + stage)


def integers(generator: torch.Generator, low: int, high: int, *shape: int) -> Tensor:
    """Draw integers from low up to but not including high."""
    return torch.randint(low, max(low + 1, high), shape, generator=generator)


def smoothed(previous: float | None, value: float, decay: float = 0.98) -> float:
    """Return the exponential moving average of a noisy figure."""
    return value if previous is None else decay * previous + (1.0 - decay) * value


def _copy(values: Iterable[Tensor], parameters: Iterable[Tensor]) -> None:
    with torch.no_grad():
        for value, parameter in zip(values, parameters, strict=True):
            parameter.copy_(value)


def _running_average(average: Tensor, parameter: Tensor, count: Tensor | int) -> Tensor:
    """Return the plain mean over the first steps, later the exponential moving average."""
    return torch.lerp(average, parameter, max(1.0 - _AVERAGE_DECAY, 1.0 / (int(count) + 1)))


def _one_cycle(done: float) -> float:
    """Return the share of the highest rate when a share of the steps is done (Smith 2018)."""
    if done < _RISING:
        return 0.05 + 0.95 * done / _RISING
    return 0.5 * (1.0 + math.cos(math.pi * min(1.0, (done - _RISING) / (1.0 - _RISING))))
