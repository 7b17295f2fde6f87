"""The last layer of each kind of bundle, read and written back, so that decoders need not know that it was adapted."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from ...models.contract.calibration import Calibration
from ...models.decoders.bundle_parts import normalisation_of
from ...models.io.bundle import Bundle
from ...models.signals.eeg.band_power import RestBaseline, shrunken_mean
from ...models.signals.eeg.montage import canonical_name
from .evidence import ATTENTION
from .fit import Layer, Prior

Array = NDArray[np.float64]
# Chosen on simulated people, and on every other person of EEGMAT, who are not those that docs/calibrate.md reports on.
_ATTENTION_PRIOR = Prior(bias=0.1, log_scale=0.3, weights=0.01, balanced=True)
_STATE_PRIOR = Prior(bias=1.0, log_scale=0.3, weights=0.1, balanced=True)
_PRIOR_TABLE = "normalisation.prior"


def prior_of(bundle: Bundle) -> Prior:
    """Return how far a person may lie from a bundle of this kind."""
    return _ATTENTION_PRIOR if bundle.spec.kind == ATTENTION else _STATE_PRIOR


def layers_of(bundle: Bundle) -> list[Layer]:
    """Return the last layer of every head of a bundle."""
    heads, names = bundle.spec.outputs, _names(bundle)
    weights, bias = (bundle.tensors[name].numpy().astype(np.float64) for name in names)
    shape = (len(heads), len(heads[0].classes))
    return [
        Layer(own, own_bias, head.temperature)
        for own, own_bias, head in zip(weights.reshape(*shape, -1), bias.reshape(shape), heads, strict=True)
    ]


def personal(
    bundle: Bundle,
    layers: Sequence[Layer],
    rest: RestBaseline | None,
    channel_names: Sequence[str],
    calibration: Calibration,
) -> Bundle:
    """Return a bundle with other last layers and, where it has a prior of the rest, with this person's in its place.

    Parameters
    ----------
    bundle : Bundle
    layers : sequence of Layer
    rest : RestBaseline or None
        Of the person; shrunk to the bundle's prior while its windows are few.
    channel_names : sequence of str
        Of ``rest``.
    calibration : Calibration
    """
    names = _names(bundle)
    joined = (np.stack([one.weights for one in layers]), np.stack([one.bias for one in layers]))
    tensors = dict(bundle.tensors)
    for name, values in zip(names, joined, strict=True):
        like = tensors[name]
        tensors[name] = torch.from_numpy(values.reshape(like.shape)).to(like.dtype)
    if rest is not None and _PRIOR_TABLE in tensors:
        like = tensors[_PRIOR_TABLE]
        tensors[_PRIOR_TABLE] = torch.from_numpy(_own_prior(bundle, rest, channel_names)).to(like.dtype)
    heads = tuple(
        replace(head, temperature=layer.temperature) for head, layer in zip(bundle.spec.outputs, layers, strict=True)
    )
    return replace(bundle, spec=replace(bundle.spec, outputs=heads, calibration=calibration), tensors=tensors)


def _names(bundle: Bundle) -> tuple[str, str]:
    return ("net.heads.weight", "net.heads.bias") if bundle.spec.kind == ATTENTION else ("weights", "bias")


def _own_prior(bundle: Bundle, rest: RestBaseline, channel_names: Sequence[str]) -> NDArray[np.float32]:
    """Return the person's log band power at rest for the channels of the bundle's table."""
    prior = normalisation_of(bundle).prior
    names = prior.names
    rows = {canonical_name(name): index for index, name in enumerate(channel_names)}
    aligned = RestBaseline.empty(names)
    for place, name in enumerate(names):
        if name in rows:
            aligned.total[place], aligned.count[place] = rest.total[rows[name]], rest.count[rows[name]]
    return shrunken_mean(aligned, prior.at(names))
