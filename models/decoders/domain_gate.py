"""A gate on features: whether EEG is like any that the model was trained on.

Features of the EEG are averaged over the last seconds, and their Mahalanobis distance from those of the people trained
on is compared with a limit that such people hardly ever pass (Lee, Lee, Lee and Shin 2018, A simple unified framework
for detecting out-of-distribution samples and adversarial attacks). The features are taken before anything is normalised
to the person's rest: a rest of noise makes noise look like rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ...configs.schema.errors import MoodringError
from ..contract import BoolArray, DomainDistance, FloatArray
from ..io.bundle import Bundle
from ..signals.eeg.montage import canonical_name

Array = NDArray[np.float64]
STEP_S = 0.5
"""Between windows."""
PREFIX = "gate.eeg."
LARGEST_LIMIT, LONGEST_HALF_LIFE_S = 1e3, 600.0
_FEWEST = 4  # electrodes or, of more features than that, features: below, nothing is judged
_SEEN = 0.5  # share of the windows that a feature must be seen in


@dataclass(frozen=True)
class Recent:
    """Exponentially weighted sums over windows, the newest counting most.

    Attributes
    ----------
    total, weight : (n_features,) float64
        Sum, and sum of the weights, of the windows in which a feature was there.
    windows : int
    all_windows : float
        Sum of the weights of all windows.
    """

    total: Array
    weight: Array
    windows: int = 0
    all_windows: float = 0.0

    @classmethod
    def empty(cls, n_features: int) -> "Recent":
        """Return sums over no windows."""
        return cls(np.zeros(n_features), np.zeros(n_features))

    def with_window(self, features: NDArray[np.floating], half_life_s: float) -> "Recent":
        """Return the sums with one more window, ``(n_features,)``; NaN where a feature is not there."""
        kept, there = 0.5 ** (STEP_S / half_life_s), np.isfinite(features)
        return Recent(
            self.total * kept + np.where(there, features, 0.0),
            self.weight * kept + there,
            self.windows + 1,
            self.all_windows * kept + 1.0,
        )

    @property
    def mean(self) -> Array:
        """Means, ``(n_features,)``; NaN of features that were absent from half of the windows."""
        seen = self.weight >= max(_SEEN * self.all_windows, 1e-9)
        return np.where(seen, self.total / np.where(seen, self.weight, 1.0), np.nan)


@dataclass(frozen=True)
class DomainGate:
    """The distribution of the recent means of features over people, and how far from it is too far.

    Attributes
    ----------
    mean : (n_features,) float64
    covariance : (n_features, n_features) float64
        Any part of the features has the marginal distribution, so that missing electrodes need no gate of their own.
    limit : float
        Largest distance; see :meth:`distance`.
    half_life_s : float
    """

    mean: Array
    covariance: Array
    limit: float
    half_life_s: float

    @property
    def least_windows(self) -> int:
        """How many windows a judgement needs: a half-life of them."""
        return max(1, round(self.half_life_s / STEP_S))

    def distance(self, mean: Array) -> float | None:
        """Return the Mahalanobis distance of recent means over the root of their number: about 1 in the domain.

        None where hardly any feature is there.
        """
        there = np.flatnonzero(np.isfinite(mean))
        if len(there) < min(_FEWEST, len(self.mean)):
            return None
        apart = mean[there] - self.mean[there]
        squared = float(apart @ np.linalg.solve(self.covariance[np.ix_(there, there)], apart))
        return float(np.sqrt(max(squared, 0.0) / len(there)))

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return what a bundle keeps of it."""
        values = {
            "mean": self.mean, "covariance": self.covariance,
            "limit": np.array(self.limit), "half_life_s": np.array(self.half_life_s),
        }  # fmt: skip
        return {PREFIX + name: torch.from_numpy(np.asarray(value, np.float32)) for name, value in values.items()}


class DomainWatch:
    """Follow a session's EEG through a gate; without a gate, nothing is ever unlike the training.

    Parameters
    ----------
    gate : DomainGate or None
    """

    def __init__(self, gate: DomainGate | None) -> None:
        self._gate = gate
        self.reset()

    def reset(self) -> None:
        """Reset to the start of a session."""
        self.distance: float | None = None
        """Of the last seconds; None before there is enough EEG."""
        self._recent: Recent | None = None

    def add(self, features: NDArray[np.floating]) -> None:
        """Add the features of one window, ``(n_features,)``; NaN where a feature is not there."""
        if self._gate is None:
            return
        recent = self._recent or Recent.empty(len(features))
        self._recent = recent.with_window(features, self._gate.half_life_s)
        enough = self._recent.windows >= self._gate.least_windows
        self.distance = self._gate.distance(self._recent.mean) if enough else None

    def told(self, heads: tuple[str, ...], eeg: bool) -> tuple[DomainDistance, ...]:
        """Return the distance and the limit for an estimate: one, or none without a gate.

        Parameters
        ----------
        heads : tuple of str
            That the gate guards.
        eeg : bool
            EEG still comes; without it the distance describes nothing.
        """
        if self._gate is None:
            return ()
        return (DomainDistance(heads, self.distance if eeg else None, self._gate.limit),)

    @property
    def unlike(self) -> str | None:
        """Why the EEG is out of the model's domain; None while it is not, or nothing can be said yet."""
        if self._gate is None or self.distance is None or self.distance <= self._gate.limit:
            return None
        return (
            f"the EEG is unlike any this model was trained on: distance {self.distance:.1f}, "
            f"limit {self._gate.limit:.1f}"
        )


def has_gate(bundle: Bundle) -> bool:
    """Return whether a bundle has a gate on the features of the EEG."""
    return any(name.startswith(PREFIX) for name in bundle.tensors)


def gate_of(bundle: Bundle, n_features: int) -> DomainGate | None:
    """Return the gate of a bundle; None where it has none.

    Raises
    ------
    MoodringError
        A part is missing, has another shape or is out of its range.
    """
    if not has_gate(bundle):
        return None
    try:
        mean, covariance = (_part(bundle, name) for name in ("mean", "covariance"))
        limit, half_life_s = (float(_part(bundle, name).reshape(())) for name in ("limit", "half_life_s"))
        if mean.shape != (n_features,) or covariance.shape != (n_features, n_features):
            raise ValueError(f"{n_features} features were expected, mean {mean.shape} and {covariance.shape} came")
        if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
            raise ValueError("it has numbers that are not finite")
        if not (0.0 < limit <= LARGEST_LIMIT and STEP_S <= half_life_s <= LONGEST_HALF_LIFE_S):
            raise ValueError(f"limit {limit:g} or half-life {half_life_s:g} s is out of range")
        np.linalg.cholesky(covariance)
    except (KeyError, ValueError, np.linalg.LinAlgError) as error:
        raise MoodringError(
            f"bundle '{bundle.name}': its gate on the EEG cannot be used ({error}); train it again"
        ) from None
    return DomainGate(mean, covariance, limit, half_life_s)


def _part(bundle: Bundle, name: str) -> Array:
    if PREFIX + name not in bundle.tensors:
        raise KeyError(f"{PREFIX}{name} is missing")
    part: Array = bundle.tensors[PREFIX + name].numpy().astype(np.float64)
    return part


def power_features(
    power: FloatArray, good: BoolArray, channel_names: Sequence[str], electrodes: Sequence[str]
) -> Array:
    """Return the log band power at named electrodes, not normalised to anything.

    Parameters
    ----------
    power : (…, n_channels, n_bands)
    good : (…, n_channels) bool
    channel_names : sequence of str
    electrodes : sequence of str
        Canonical 10-10 names.

    Returns
    -------
    (…, n_electrodes * n_bands) float64
        NaN at electrodes that are not there or not good.
    """
    columns = {canonical_name(name): column for column, name in enumerate(channel_names)}
    seen = np.where(good[..., None], power, np.nan)
    result = np.full((*seen.shape[:-2], len(electrodes), seen.shape[-1]), np.nan)
    for row, name in enumerate(electrodes):
        if name in columns:
            result[..., row, :] = seen[..., columns[name], :]
    return result.reshape(*seen.shape[:-2], -1)


def correlations(covariances: Array) -> Array:
    """Return the correlations of covariances, ``(…, n_electrodes, n_electrodes)``."""
    scale = np.sqrt(np.maximum(np.diagonal(covariances, axis1=-2, axis2=-1), 1e-12))
    result: Array = covariances / scale[..., :, None] / scale[..., None, :]
    return result


def agreement(covariances: Array, pattern: Array, there: BoolArray) -> Array:
    """Return how far electrodes are correlated as expected: about 1 in the domain, 0 for independent channels.

    In each band, the slope of the correlations of all pairs of electrodes on the expected ones. It depends neither on
    the amplifier's gain nor on the spectrum.

    Parameters
    ----------
    covariances : (…, n_bands, n_electrodes, n_electrodes)
    pattern : (n_bands, n_electrodes, n_electrodes)
        Correlations to expect.
    there : (n_electrodes,) bool
        Electrodes that were recorded; the others are interpolated and left out.

    Returns
    -------
    (…, n_bands) float64
        NaN where fewer than 4 electrodes are there.
    """
    rows, columns = np.triu_indices(pattern.shape[-1], 1)
    pairs = np.flatnonzero(there[rows] & there[columns])
    if there.sum() < _FEWEST:
        return np.full(covariances.shape[:-2], np.nan)
    rows, columns = rows[pairs], columns[pairs]
    seen, expected = correlations(covariances)[..., rows, columns], pattern[:, rows, columns]
    slope: Array = (seen * expected).sum(axis=-1) / np.maximum((expected**2).sum(axis=-1), 1e-9)
    return slope
