"""Put the weights of a bundle into a network, without taking memory for what its sizes claim."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

from ...configs.schema.errors import MoodringError

Network = TypeVar("Network", bound=nn.Module)
_Kind = tuple[tuple[int, ...], torch.dtype]


def with_weights(make: Callable[[], Network], weights: Mapping[str, Tensor], bundle: str) -> Network:
    """Return a network with the weights of a bundle.

    Parameters
    ----------
    make : callable
        Makes the network; called first where its tensors have shapes and no memory.
    weights : mapping of str to Tensor
    bundle : str
        Name of the file, for the error's line.

    Raises
    ------
    MoodringError
        The weights do not fit the sizes that the network was made with, or no network has such sizes.
    """
    try:
        with torch.device("meta"):
            needed = _kinds(make().state_dict())
        came = _kinds(weights)
        wrong = next((name for name in {**needed, **came} if needed.get(name) != came.get(name)), None)
        if wrong is not None:
            raise ValueError(f"'{wrong}' is {_words(came.get(wrong))}; expected: {_words(needed.get(wrong))}")
        network = make()
        network.load_state_dict(dict(weights))
    except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:
        first = str(error).splitlines()[-1].strip() if str(error) else type(error).__name__
        raise MoodringError(f"bundle '{bundle}': its weights do not fit its sizes ({first}); use another") from None
    return network


def _kinds(tensors: Mapping[str, Tensor]) -> dict[str, _Kind]:
    return {name: (tuple(one.shape), one.dtype) for name, one in tensors.items()}


def _words(kind: _Kind | None) -> str:
    return "nothing" if kind is None else f"{kind[0]} of {str(kind[1]).removeprefix('torch.')}"
