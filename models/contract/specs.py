"""Specs of bundles: inputs, output heads and domain."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any, Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ...configs.schema.live import RESERVED_MODALITIES
from .arrays import AUDIO_RATE_HZ
from .calibration import Calibration

# Ranges that are checked where a spec is read from a file.
RateHz = Annotated[float, Field(gt=0.0, le=1e6)]
WindowS = Annotated[float, Field(gt=0.0, le=60.0)]
Count = Annotated[int, Field(ge=1, le=4096)]
Side = Annotated[int, Field(ge=4, le=1024)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Text = Annotated[str, Field(max_length=10_000)]
Finite = Annotated[float, Field(ge=-1e9, le=1e9)]
Whole = Annotated[int, Field(ge=-(10**9), le=10**9)]


class ContractError(ValueError):
    """Misuse of the contract: a value that no bundle, decoder or estimate may have. The message has both values."""


class NotFiniteError(ContractError):
    """An answer that is no finite number: the decider shows an abstention in its place."""


NOT_FINITE = "the model's answer is no finite number"
"""Reason of the abstention in place of such an answer."""


@dataclass(frozen=True)
class EegInput:
    """EEG windows.

    Attributes
    ----------
    min_rate_hz : float
        Slowest sampling rate that carries the bands.
    min_scalp_channels : int
        Fewest electrodes with 10-20 names.
    reference : str
        ``"average"``, or channel names joined by ``+``.
    window_s : float
        Length of the window that one inference sees.
    image_size : int or None
        Side of the scalp images in pixels; None for a model without images.
    electrodes : tuple of str
        The 10-10 names that alone are read, and that the average reference is over; empty for all that are there.

    Raises
    ------
    ContractError
        Another kind, or a size that is not above 0.
    """

    min_rate_hz: RateHz
    min_scalp_channels: Count
    reference: Name
    window_s: WindowS
    image_size: Side | None = None
    electrodes: tuple[Name, ...] = ()
    kind: Literal["eeg"] = "eeg"

    def __post_init__(self) -> None:
        _check_input(self, "eeg", min_rate_hz=self.min_rate_hz, window_s=self.window_s,
                     min_scalp_channels=self.min_scalp_channels)  # fmt: skip
        if self.image_size is not None:
            _check_input(self, "eeg", image_size=self.image_size)

    @property
    def modality(self) -> str:
        """Key of the stream."""
        return self.kind


@dataclass(frozen=True)
class FaceInput:
    """Camera frames on a regular grid of ``rate_hz``, as grey face crops of ``size`` by ``size`` pixels.

    Raises
    ------
    ContractError
        As :class:`EegInput`.
    """

    rate_hz: Annotated[float, Field(ge=0.1, le=240.0)]
    size: Side
    kind: Literal["face"] = "face"

    def __post_init__(self) -> None:
        _check_input(self, "face", rate_hz=self.rate_hz, size=self.size)

    @property
    def modality(self) -> str:
        """Key of the stream."""
        return self.kind


@dataclass(frozen=True)
class SpeechInput:
    """Mono audio at ``rate_hz`` in -1..1.

    Raises
    ------
    ContractError
        As :class:`EegInput`.
    """

    rate_hz: RateHz = float(AUDIO_RATE_HZ)
    kind: Literal["speech"] = "speech"

    def __post_init__(self) -> None:
        _check_input(self, "speech", rate_hz=self.rate_hz)

    @property
    def modality(self) -> str:
        """Key of the stream."""
        return self.kind


@dataclass(frozen=True)
class SignalInput:
    """Any other regularly sampled signal.

    Attributes
    ----------
    modality : str
        Key of the stream, for example ``"skin_conductance"``.
    rate_hz : float
        Sampling rate that the decoder was trained at.
    channels : int
        Number of channels.
    window_s : float
        Length of the window that one inference sees.

    Raises
    ------
    ContractError
        As :class:`EegInput`, or a modality that has a meaning of its own, such as ``"eeg"``.
    """

    modality: Name
    rate_hz: RateHz
    channels: Count
    window_s: WindowS
    kind: Literal["signal"] = "signal"

    def __post_init__(self) -> None:
        _check_input(self, "signal", rate_hz=self.rate_hz, channels=self.channels, window_s=self.window_s)
        if not self.modality or self.modality in RESERVED_MODALITIES:
            raise ContractError(
                f"signal input with a name of its own was expected, '{self.modality}' came; "
                f"these have other meanings: {', '.join(RESERVED_MODALITIES)}"
            )


def _check_input(given: Any, kind: str, **sizes: float) -> None:
    """Raise ContractError for an input of another kind, or a size that is not a number above 0."""
    if given.kind != kind:
        raise ContractError(f"{type(given).__name__} is of kind '{kind}'; '{given.kind}' came")
    for name, value in sizes.items():
        if not 0 < value < math.inf:
            raise ContractError(f"{kind} input needs {name} above 0; {value} came")


Input = EegInput | FaceInput | SpeechInput | SignalInput
INPUT_TYPES: tuple[type[Input], ...] = get_args(Input)
INPUT_KINDS = tuple(str(next(f.default for f in fields(one) if f.name == "kind")) for one in INPUT_TYPES)
_Input = TypeVar("_Input", EegInput, FaceInput, SpeechInput, SignalInput)


@dataclass(frozen=True)
class Head:
    """One output of a model.

    Attributes
    ----------
    name : str
        Unique in a session, for example ``"valence"``.
    construct : str
        What it means: ``"felt"``, ``"expressed"``, ``"acted"`` or any other construct.
    classes : tuple of str
        In order of the outputs; empty for a head with a scale.
    scale : (low, high) or None
        Range of a continuous answer; None for a head with classes.
    temperature : float
        Divides the logits (Guo et al. 2017, "On calibration of modern neural networks"), fitted on held-out people.
    conformal_threshold : float
        The kept set holds every class whose probability is at least this.
    shares : tuple of str
        Names of the sides whose share of the evidence comes with each answer; for a head that fuses others.

    Raises
    ------
    ContractError
        Neither classes nor scale, both, a class named twice, a temperature that is not above 0, or a threshold outside
        0..1.
    """

    name: Name
    construct: Name
    classes: Annotated[tuple[Name, ...], Field(max_length=1000)] = ()
    scale: tuple[Finite, Finite] | None = None
    temperature: Annotated[float, Field(ge=1e-3, le=1e3)] = 1.0
    conformal_threshold: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    shares: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.classes) == (self.scale is not None):
            raise ContractError(
                f"head '{self.name}' needs either classes or a scale; classes {self.classes} and scale "
                f"{self.scale} came"
            )
        refuse_duplicates(self.classes, f"class of head '{self.name}'")
        if self.scale is not None and not -math.inf < self.scale[0] < self.scale[1] < math.inf:
            raise ContractError(f"head '{self.name}' needs a scale that rises; {self.scale} came")
        if not 0 < self.temperature < math.inf:
            raise ContractError(f"head '{self.name}' needs a temperature above 0; {self.temperature} came")
        if not 0 <= self.conformal_threshold <= 1:
            raise ContractError(
                f"head '{self.name}' needs a conformal threshold in 0..1; {self.conformal_threshold} came"
            )


def kept_classes(probabilities: NDArray[Any], threshold: float) -> tuple[int, ...]:
    """Return the conformal set: the indices of the classes that reach the threshold, at least the most probable one."""
    chosen = tuple(int(i) for i in np.flatnonzero(probabilities >= threshold))
    return chosen or (int(np.argmax(probabilities)),)


@dataclass(frozen=True)
class ModelSpec:
    """Inputs, heads and domain of a bundle; stored as JSON beside the weights.

    Attributes
    ----------
    kind : str
        Which decoder runs it: ``"attention"``, ``"speech"``, or the kind of a decoder added by a lab.
    inputs : tuple of Input
        One per modality.
    outputs : tuple of Head
    label_source : str
        Where the labels came from, with their span and aggregation.
    domain : tuple of str
        ``("simulated",)`` or corpus names.
    protocol : str
        How it was trained and which groups were kept apart.
    data_hashes : tuple of str
    seed : int
    network : mapping of str to number or str
        Sizes of the architecture.
    calibration : Calibration or None
        Of a bundle that was adapted to one person.

    Raises
    ------
    ContractError
        An input of unknown kind, an output that is no head, no input or head, or a modality or head named twice.
    """

    kind: Name
    inputs: tuple[Input, ...]
    outputs: tuple[Head, ...]
    label_source: Text
    domain: tuple[Name, ...]
    protocol: Text
    data_hashes: tuple[Name, ...]
    seed: int
    network: Mapping[Name, Finite | Whole | Annotated[str, Field(max_length=2000)]]
    calibration: Calibration | None = None

    def __post_init__(self) -> None:
        for one in self.inputs:
            if not isinstance(one, INPUT_TYPES):
                raise ContractError(
                    f"model of kind '{self.kind}' has an input of unknown kind {getattr(one, 'kind', one)!r}; "
                    f"known are {', '.join(INPUT_KINDS)}"
                )
        for output in self.outputs:
            if not isinstance(output, Head):
                raise ContractError(
                    f"model of kind '{self.kind}' has an output of type {type(output).__name__}; a Head was expected"
                )
        if not self.inputs or not self.outputs:
            raise ContractError(
                f"model of kind '{self.kind}' needs at least one input and one head; "
                f"{len(self.inputs)} inputs and {len(self.outputs)} heads came"
            )
        refuse_duplicates(self.modalities, f"input modality of model '{self.kind}'")
        refuse_duplicates([head.name for head in self.outputs], f"head of model '{self.kind}'")

    @property
    def modalities(self) -> tuple[str, ...]:
        """Keys of the streams that it reads."""
        return tuple(one.modality for one in self.inputs)

    def head(self, name: str) -> Head:
        """Return a head by name; raise KeyError with the names that there are."""
        found = next((head for head in self.outputs if head.name == name), None)
        if found is None:
            names = ", ".join(head.name for head in self.outputs)
            raise KeyError(f"model of kind '{self.kind}' has no head '{name}'; it has {names}")
        return found

    def input(self, kind: type[_Input]) -> _Input | None:
        """Return the first input of a type; None where there is none."""
        return next((one for one in self.inputs if isinstance(one, kind)), None)


def refuse_duplicates(names: Iterable[str], what: str) -> None:
    """Raise ContractError where a name comes twice."""
    names = tuple(names)
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        raise ContractError(f"{what} '{twice}' is named twice among {', '.join(names)}; names must differ")
