"""A state of mind from the EEG alone: covariances of the electrodes in bands, relative to the person's own rest.

The discriminant is linear in the tangent space (:mod:`..signals.eeg.band_covariance`); its evidence is averaged over
the last seconds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import softmax

from ...configs.schema.errors import MoodringError
from ..contract import BoolArray, EegInput, EegWindow, HeadOutput
from ..contract.specs import kept_classes
from ..io.bundle import Bundle
from ..signals.eeg.band_covariance import Band, Reference, band_covariances, relative_power, tangent
from ..signals.eeg.band_power import ENOUGH_REST_WINDOWS
from ..signals.eeg.montage import canonical_name, scalp_channels
from .bundle_parts import check_eeg
from .domain_gate import PREFIX, DomainWatch, agreement, gate_of, has_gate

Array = NDArray[np.float64]
KIND = "eeg_state"
PATTERN = PREFIX + "pattern"
REST, NO_REFERENCE = "rest", "none"
COVARIANCE, POWER = "covariance", "power"
_MEASURES = (COVARIANCE, POWER)
_LONGEST_MEMORY_S = 3600.0
_FORMAT_BANDS = "{:g}-{:g}"


@dataclass(frozen=True)
class Discriminant:
    """A linear discriminant: scores are ``features @ weights.T + bias``.

    Attributes
    ----------
    weights : (n_classes, n_features) float64
    bias : (n_classes,) float64
    """

    weights: Array
    bias: Array

    def scores(self, features: NDArray[np.floating]) -> Array:
        """Return the score of each class, ``(n, n_classes)``; a softmax makes probabilities of them."""
        found: Array = np.asarray(features, np.float64) @ self.weights.T + self.bias
        return found


@dataclass(frozen=True)
class Features:
    """Which covariances a model reads.

    Attributes
    ----------
    electrodes : tuple of str
        Canonical 10-10 names.
    bands : tuple of (low, high)
        In Hz.
    window_s : float
    min_channels : int
        Fewest good channels on the scalp that a window needs.
    reference : "rest" or "none"
        What they are taken relative to: the person's rest, or nothing.
    whole : bool
        Covariances in the tangent space; False: the log power of each electrode alone.
    """

    electrodes: tuple[str, ...]
    bands: tuple[Band, ...]
    window_s: float
    min_channels: int
    reference: str = REST
    whole: bool = True

    @property
    def size(self) -> int:
        """How many numbers a window gives."""
        electrodes = len(self.electrodes)
        return len(self.bands) * (electrodes * (electrodes + 1) // 2 if self.whole else electrodes)

    def relative(self, covariances: Array, reference: Reference) -> Array:
        """Return the features of windows, ``(n_windows, size)``; see :func:`~..band_covariance.tangent`."""
        return tangent(covariances, reference) if self.whole else relative_power(covariances, reference)

    def usable(self, channel_names: Sequence[str], good: BoolArray) -> bool:
        """Return whether enough channels on the scalp are good."""
        return int((good & scalp_channels(channel_names)).sum()) >= self.min_channels

    def covariances(self, window: EegWindow) -> Array:
        """Return the covariances of one window, ``(n_bands, n_electrodes, n_electrodes)``."""
        return band_covariances(window, self.electrodes, self.bands)

    def recorded(self, channel_names: Sequence[str], good: BoolArray) -> BoolArray:
        """Return which electrodes are good channels of their own, ``(n_electrodes,)``; others are interpolated."""
        there = {canonical_name(name) for name, ok in zip(channel_names, good, strict=True) if ok}
        return np.array([name in there for name in self.electrodes], np.bool_)

    def empty_reference(self) -> Reference:
        """Return a reference without windows."""
        return Reference.empty(len(self.bands), len(self.electrodes))

    def as_settings(self) -> dict[str, float | int | str]:
        """Return them as a bundle's spec keeps them."""
        return {
            "electrodes": ",".join(self.electrodes),
            "bands_hz": ",".join(_FORMAT_BANDS.format(*band) for band in self.bands),
            "reference": self.reference,
            "measure": COVARIANCE if self.whole else POWER,
        }

    @classmethod
    def of(cls, bundle: Bundle) -> "Features":
        """Return those of a bundle."""
        settings, needs = bundle.spec.network, bundle.spec.input(EegInput)
        if bundle.spec.kind != KIND or needs is None:
            raise MoodringError(
                f"bundle '{bundle.name}' is of kind '{bundle.spec.kind}', '{KIND}' with EEG was expected; give another"
            )
        electrodes = tuple(str(settings.get("electrodes")).split(","))
        unknown = next((name for name in electrodes if canonical_name(name) != name), None)
        try:
            bands = tuple(_band(text) for text in str(settings.get("bands_hz")).split(","))
        except ValueError as error:
            raise MoodringError(f"bundle '{bundle.name}': network.bands_hz has {error}; use another") from None
        reference, measure = settings.get("reference"), settings.get("measure")
        for name, value, known in (("reference", reference, (REST, NO_REFERENCE)), ("measure", measure, _MEASURES)):
            if value not in known:
                raise MoodringError(
                    f"bundle '{bundle.name}': network.{name} is {value!r}; expected: {' or '.join(known)}: use another"
                )
        if unknown is not None or len(set(electrodes)) < max(len(electrodes), 2):
            raise MoodringError(
                f"bundle '{bundle.name}': network.electrodes is '{settings.get('electrodes')}'; at least two different "
                "names of the 10-10 system were expected: use another"
            )
        return cls(electrodes, bands, needs.window_s, needs.min_scalp_channels, str(reference), measure == COVARIANCE)


def _band(text: str) -> Band:
    """Return the edges of a band such as "4-8"; raise ValueError where it is none."""
    low, _, high = text.partition("-")
    try:
        edges = float(low), float(high)
    except ValueError:
        edges = (0.0, 0.0)
    if not 0.0 < edges[0] < edges[1] < math.inf:
        raise ValueError(f"{text[:60]!r} where a band such as 4-8 was expected")
    return edges


def _memory_s(bundle: Bundle) -> float:
    memory_s = bundle.spec.network.get("memory_s")
    if not (isinstance(memory_s, int | float) and 0.0 < memory_s <= _LONGEST_MEMORY_S):
        raise MoodringError(
            f"bundle '{bundle.name}': network.memory_s is {memory_s!r}; above 0 and up to {_LONGEST_MEMORY_S:g} s was "
            "expected: use another"
        )
    return float(memory_s)


class EegStateDecoder:
    """Decode with a bundle of kind "eeg_state".

    Call :meth:`rest` with windows of the resting person, then :meth:`look` with one every half second.

    Parameters
    ----------
    bundle : Bundle

    Raises
    ------
    MoodringError
        The bundle is of another kind, or its weights do not fit its electrodes and bands.
    """

    def __init__(self, bundle: Bundle) -> None:
        self.features = Features.of(bundle)
        self.spec = bundle.spec
        self._name = bundle.name
        self._head = bundle.spec.outputs[0]
        self.memory_s = _memory_s(bundle)
        none = torch.zeros(0)
        weights, bias = (bundle.tensors.get(name, none).numpy().astype(np.float64) for name in ("weights", "bias"))
        shape = (len(self._head.classes), self.features.size)
        if len(bundle.spec.outputs) != 1 or len(self._head.classes) < 2:
            raise MoodringError(
                f"bundle '{bundle.name}' has {len(bundle.spec.outputs)} heads, the first with "
                f"{len(self._head.classes)} classes; one head with two or more was expected: use another"
            )
        if weights.shape != shape or bias.shape != shape[:1]:
            raise MoodringError(
                f"bundle '{bundle.name}': its weights have shape {weights.shape}, its electrodes, bands and classes "
                f"need {shape}; use another"
            )
        self._discriminant = Discriminant(weights, bias)
        self.domain = DomainWatch(gate_of(bundle, len(self.features.bands)))
        self._pattern = _pattern(bundle, self.features)
        self.reset()

    @property
    def needs_rest(self) -> bool:
        """Whether windows are taken relative to the person's own rest."""
        return self.features.reference == REST

    @property
    def calibrated(self) -> bool:
        """Whether enough rest was seen to normalise the EEG to this person (5 s)."""
        return self._rest.windows >= ENOUGH_REST_WINDOWS

    @property
    def ready(self) -> bool:
        """Whether windows can be judged."""
        return self.calibrated or not self.needs_rest

    def reset(self) -> None:
        """Forget the person."""
        self._rest = self.features.empty_reference()
        self.domain.reset()
        self._seen: list[tuple[float, Array]] = []

    def check_eeg(self, channel_names: Sequence[str], rate_hz: float) -> None:
        """Raise MoodringError, with both values, where an EEG stream has too few channels on the scalp or is slow."""
        check_eeg(self._name, self.spec.input(EegInput), channel_names, rate_hz)

    def rest(self, window: EegWindow) -> None:
        """Add a window of rest to the reference."""
        self._rest = self._rest.with_window(self._covariances(window))

    def look(self, window: EegWindow) -> None:
        """Add the evidence of one window, later than the one before, unless it is out of the model's domain."""
        covariances = self._covariances(window)
        if self.domain.unlike is not None:
            return
        reference = self._rest if self.needs_rest else self.features.empty_reference()
        relative = self.features.relative(covariances[None], reference)[0]
        oldest_s = window.end_s - self.memory_s + 1e-6
        self._seen = [*((at_s, one) for at_s, one in self._seen if at_s > oldest_s), (window.end_s, relative)]

    def described_s(self, time_s: float) -> float | None:
        """Return the mean of the moments that the evidence up to a time describes; None where there is none."""
        recent = [at_s for at_s, _ in self._recent(time_s)]
        return float(np.mean(recent)) - self.features.window_s / 2 if recent else None

    def evidence(self, time_s: float) -> Array | None:
        """Return the mean features of the last ``memory_s`` seconds, ``(size,)``; None where there are none."""
        recent = self._recent(time_s)
        found: Array | None = np.mean([features for _, features in recent], axis=0) if recent else None
        return found

    def read(self, time_s: float) -> HeadOutput | None:
        """Return the answer on the evidence of the last ``memory_s`` seconds; None where there is none."""
        evidence = self.evidence(time_s)
        if evidence is None:
            return None
        probabilities = softmax(self._discriminant.scores(evidence) / self._head.temperature)
        return HeadOutput(
            self._head.name,
            self._head.construct,
            self._head.classes,
            tuple(probabilities.tolist()),
            kept=kept_classes(probabilities, self._head.conformal_threshold),
        )

    def _covariances(self, window: EegWindow) -> Array:
        """Return the covariances of a window, after the gate has seen them."""
        covariances = self.features.covariances(window)
        if self._pattern is not None:
            there = self.features.recorded(window.channel_names, window.good)
            self.domain.add(agreement(covariances, self._pattern, there))
        return covariances

    def _recent(self, time_s: float) -> list[tuple[float, Array]]:
        return [(at_s, scores) for at_s, scores in self._seen if at_s > time_s - self.memory_s + 1e-6]


def _pattern(bundle: Bundle, features: Features) -> Array | None:
    """Return the correlations that a bundle's gate expects; None without a gate."""
    if not has_gate(bundle):
        return None
    shape = (len(features.bands), len(features.electrodes), len(features.electrodes))
    pattern = bundle.tensors.get(PATTERN, torch.zeros(0)).numpy().astype(np.float64)
    if pattern.shape != shape or not (np.abs(pattern) <= 1.0 + 1e-3).all():
        raise MoodringError(
            f"bundle '{bundle.name}': its gate on the EEG needs correlations of shape {shape} from -1 to 1, "
            f"{pattern.shape} came; train it again"
        )
    return pattern
