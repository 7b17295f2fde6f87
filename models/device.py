"""The compute device of the networks."""

import torch

from ..configs.schema.errors import MoodringError


def best_device(name: str = "auto") -> torch.device:
    """Return the device that runs the networks.

    Parameters
    ----------
    name : str
        ``"auto"`` (CUDA, else Apple's MPS, else the CPU), or ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"``.

    Raises
    ------
    MoodringError
        The device that was named is not there.
    """
    there = _devices()
    if name == "auto":
        best = next((kind for kind in ("cuda", "mps") if kind in there), "cpu")
        return torch.device(best)
    if name not in there:
        raise MoodringError(
            f"device {name!r} is not on this machine, which has {', '.join(there)}; name one of those, or 'auto'"
        )
    return torch.device(name)


def _devices() -> tuple[str, ...]:
    cuda = [f"cuda:{index}" for index in range(torch.cuda.device_count())] if torch.cuda.is_available() else []
    mps = ["mps"] if torch.backends.mps.is_available() else []
    return ("cpu", *(["cuda"] if cuda else []), *cuda, *mps)
