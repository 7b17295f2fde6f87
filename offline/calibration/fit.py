"""Few parameters on top of the last layer of a bundle, fitted to one person's labelled stretches.

Each head gets a bias for every class, one factor for all of its logits (a temperature), and a change of its weights.
All are drawn to what the bundle has: the fit is a maximum a posteriori estimate under normal priors, in which every
stretch counts alike, however many decisions it holds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import log_softmax

Array = NDArray[np.float64]
LEAST_CLASSES = 2
# A feature that hardly moved tells nothing, however finely it is looked at.
_LEAST_SPREAD = 1e-2


@dataclass(frozen=True)
class Prior:
    """How far a person may lie from the bundle: standard deviations of the normal priors.

    Attributes
    ----------
    bias, log_scale, weights : float
        Of the biases, of the logarithm of the factor, and of the weights for features of unit variance.
    balanced : bool
        Whether classes count alike, however often each comes.
    """

    bias: float
    log_scale: float
    weights: float
    balanced: bool = False


@dataclass(frozen=True)
class Layer:
    """The last layer of one head: logits are ``(features @ weights.T + bias) / temperature``.

    Attributes
    ----------
    weights : (n_classes, n_features) float64
    bias : (n_classes,) float64
    temperature : float
    """

    weights: Array
    bias: Array
    temperature: float

    def log_probabilities(self, features: Array) -> Array:
        """Return log probabilities, ``(n, n_classes)``."""
        found: Array = log_softmax((features @ self.weights.T + self.bias) / self.temperature, axis=1)
        return found


def adapted(layer: Layer, features: Sequence[Array], classes: Sequence[int], prior: Prior) -> Layer:
    """Fit a layer to labelled stretches of one person.

    Parameters
    ----------
    layer : Layer
        Of the bundle.
    features : sequence of (n_decisions, n_features)
        Of each stretch.
    classes : sequence of int
        The label of each.
    prior : Prior

    Returns
    -------
    Layer
        The bundle's own while the stretches are of one class: nothing tells it from another.
    """
    kept = [index for index, one in enumerate(features) if len(one)]
    if len({classes[index] for index in kept}) < LEAST_CLASSES:
        return layer
    labels = np.array([classes[index] for index in kept])
    shares = np.ones(len(kept))
    if prior.balanced:
        counts = np.bincount(labels)
        shares = len(kept) / (np.count_nonzero(counts) * counts[labels])
    rows = np.concatenate([features[index] for index in kept])
    sizes = [len(features[index]) for index in kept]
    target, counted = np.repeat(labels, sizes), np.repeat(shares / np.array(sizes), sizes)
    offset = (rows @ layer.weights.T + layer.bias) / layer.temperature
    scale = np.maximum(rows.std(axis=0), _LEAST_SPREAD)
    standard = rows / scale
    n_classes, n_features = layer.weights.shape
    hot = np.eye(n_classes)[target]

    spread = np.concatenate([
        np.full(n_classes, prior.bias), [prior.log_scale], np.full(n_classes * n_features, prior.weights)
    ])  # fmt: skip

    def parts(found: Array) -> tuple[Array, float, Array]:
        moved = spread * found
        return moved[:n_classes], float(moved[n_classes]), moved[n_classes + 1 :].reshape(n_classes, n_features)

    def loss(found: Array) -> tuple[float, Array]:
        bias, log_scale, change = parts(found)
        scaled = np.exp(log_scale) * offset
        logs = log_softmax(scaled + bias + standard @ change.T, axis=1)
        error = counted[:, None] * (np.exp(logs) - hot)
        gradient = np.concatenate([error.sum(axis=0), [(error * scaled).sum()], (error.T @ standard).ravel()])
        value = -(counted * logs[np.arange(len(target)), target]).sum() + 0.5 * float(found @ found)
        return value, spread * gradient + found

    bias, log_scale, change = parts(minimize(loss, np.zeros(len(spread)), jac=True, method="L-BFGS-B").x)
    # In one layer: the factor goes into the temperature, and what is added is brought to the logits before it.
    temperature = layer.temperature / float(np.exp(log_scale))
    return Layer(layer.weights + temperature * change / scale, layer.bias + temperature * bias, temperature)
