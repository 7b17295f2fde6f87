"""Faces as they look under an EEG cap: fabric down to the forehead, electrodes on it, straps along the cheeks."""

import torch
from torch import Tensor

_LOWEST_EDGE = (0.08, 0.26)  # of the crop's height, at its middle
_LOWER_AT_SIDES = (0.0, 0.18)
_STRAP = (0.03, 0.09)  # of the crop's width
_FABRIC = (15.0, 120.0)  # grey levels
_ELECTRODES = 7


def under_cap(crops: Tensor, share: float, rng: torch.Generator) -> Tensor:
    """Draw a cap over some of the crops, each with a fabric, an edge, straps and electrodes of its own.

    Parameters
    ----------
    crops : (n, size, size) Tensor
        Grey faces, 0..255.
    share : float
        Of the crops that get a cap; 0 changes nothing and draws nothing from ``rng``.
    rng : Generator

    Returns
    -------
    (n, size, size) float Tensor
    """
    faces = crops.float()
    if share <= 0.0:
        return faces
    n, size = len(faces), faces.shape[-1]

    def between(ends: tuple[float, float]) -> Tensor:
        return ends[0] + (ends[1] - ends[0]) * torch.rand(n, 1, 1, generator=rng)

    wears = torch.rand(n, 1, 1, generator=rng) < share
    down = ((torch.arange(size) + 0.5) / size)[None, :, None]
    across = (2.0 * (torch.arange(size) + 0.5) / size - 1.0)[None, None, :]
    edge = between(_LOWEST_EDGE) + between(_LOWER_AT_SIDES) * across**2
    fabric = between(_FABRIC)
    covered = (down < edge) | (across.abs() > 1.0 - 2.0 * between(_STRAP))
    cap = torch.where(covered, fabric, faces)
    for _ in range(_ELECTRODES):
        x, y = 2.0 * torch.rand(n, 1, 1, generator=rng) - 1.0, edge * torch.rand(n, 1, 1, generator=rng)
        disc = ((across - x) / 2.0) ** 2 + (down - y) ** 2 < 0.035**2
        cap = torch.where(disc, torch.where(fabric > 70.0, fabric - 60.0, fabric + 100.0), cap)
    return torch.where(wears, cap, faces)
