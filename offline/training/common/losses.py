"""Losses of the paper, for valence and arousal of three classes each."""

import torch
from torch import Tensor


def class_loss(logits: Tensor, level: Tensor, weights: Tensor) -> Tensor:
    """Return the paper's loss, - sum_k y_k log p_k + (1 - y_k) log(1 - p_k), averaged over what has a level.

    Parameters
    ----------
    logits : (..., 2, 3) Tensor
    level : (..., 2) int64 Tensor
    weights : (2, 3) Tensor
        Of each class of each axis.
    """
    known = level >= 0
    target = torch.nn.functional.one_hot(level.clamp(min=0), 3).float()
    log_p = torch.log_softmax(logits, dim=-1)
    log_not_p = torch.log1p(-log_p.exp().clamp(max=1.0 - 1e-5))
    each = -(target * log_p + (1.0 - target) * log_not_p).sum(dim=-1)
    weight = (weights.expand_as(target) * target).sum(dim=-1) * known
    return (each * weight).sum() / weight.sum().clamp(min=1.0)


def band_imbalance(attention: Tensor, counted: Tensor) -> Tensor:
    """Return the paper's sum_j (1/3 - mean_n theta_nj)^2, averaged over clips that saw EEG.

    Parameters
    ----------
    attention : (glimpses, clips, 3) Tensor
    counted : (glimpses, clips) bool Tensor
    """
    seen = counted.float()[..., None]
    mean = (attention * seen).sum(dim=0) / seen.sum(dim=0).clamp(min=1.0)
    any_seen = counted.any(dim=0).float()
    return (((1.0 / 3.0 - mean) ** 2).sum(dim=1) * any_seen).sum() / any_seen.sum().clamp(min=1.0)


def level_class_weights(levels: Tensor) -> Tensor:
    """Return weights that make all classes of an axis count alike, ``(2, 3)``, 1 on average over the samples."""
    counts = torch.stack([torch.bincount(levels[..., axis][levels[..., axis] >= 0], minlength=3) for axis in range(2)])
    return counts.sum(dim=1, keepdim=True) / (3.0 * counts.clamp(min=1))
