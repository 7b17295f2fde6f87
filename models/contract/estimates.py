"""Estimates: the outputs of all heads at one data time, with their inputs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from .arrays import FloatArray, MicrophoneFault
from .looks import FaceReading, Look, Periphery
from .specs import ContractError, NotFiniteError, refuse_duplicates

SURE = 0.5
"""From this probability on an answer counts as sure: below, it is by its own account more likely wrong than right."""
_ROUNDING = 1e-3  # of probabilities that were written with few digits

Withheld = Literal["eeg", "face", "last_look"]
"""What an ablation goes without, since the session's start; the newest look with a face alone where it is that."""


@dataclass(frozen=True)
class DomainDistance:
    """How far the EEG of the last seconds is from all EEG that a model was trained on.

    Attributes
    ----------
    heads : tuple of str
        Those of the model; they abstain where the distance is above the limit.
    distance : float or None
        Mahalanobis distance over the root of the number of features, about 1 in the domain; None without EEG, or
        before there is enough of it.
    limit : float
    """

    heads: tuple[str, ...]
    distance: float | None
    limit: float


@dataclass(frozen=True)
class Ablation:
    """What the same model would answer, had something been withheld from it.

    Attributes
    ----------
    without : Withheld
    probabilities : mapping of str to tuple of float
        By head, one per class.

    Raises
    ------
    ContractError
        Probabilities are outside 0..1 or do not add up to 1.
    """

    without: Withheld
    probabilities: Mapping[str, tuple[float, ...]]

    def __post_init__(self) -> None:
        for name, row in self.probabilities.items():
            _check_probabilities(f"'{name}' without {self.without}", row)


@dataclass(frozen=True)
class HeadOutput:
    """Output of one head at one data time, or the reason of its abstention.

    Attributes
    ----------
    name, construct, classes
        As in :class:`~moodring.models.contract.specs.Head`.
    probabilities : tuple of float or None
        One per class; None where the head abstains.
    value : float or None
        Of a head with a scale; None where the head abstains.
    kept : tuple of int
        Classes that the conformal threshold keeps; empty where the head has none.
    abstained : str or None
        Why there is no answer, or why every class is kept.
    ages_s : mapping of modality to float
        Information age at publication of each input that the answer rests on.
    start_s, end_s : float or None
        Stretch of time that the answer describes, where it has one (an utterance).
    final : bool
        The last answer on its stretch.
    shares : mapping of str to float
        Share of the evidence of each side, 0..1; for a head that fuses others.

    Raises
    ------
    ContractError
        Probabilities do not match the classes, are outside 0..1 or do not add up to 1; a value is not finite or there
        are classes too.
    """

    name: str
    construct: str
    classes: tuple[str, ...] = ()
    probabilities: tuple[float, ...] | None = None
    value: float | None = None
    kept: tuple[int, ...] = ()
    abstained: str | None = None
    ages_s: Mapping[str, float] = field(default_factory=dict)
    start_s: float | None = None
    end_s: float | None = None
    final: bool = False
    shares: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        numbers = (*(self.probabilities or ()), *(() if self.value is None else (self.value,)), *self.shares.values())
        if not all(map(math.isfinite, numbers)):
            came = numbers if len(numbers) > 1 else numbers[0]
            raise NotFiniteError(f"head '{self.name}' needs finite numbers, or none and why it abstains; {came} came")
        if self.probabilities is not None and len(self.probabilities) != len(self.classes):
            raise ContractError(
                f"head '{self.name}' has {len(self.classes)} classes ({', '.join(self.classes)}); "
                f"{len(self.probabilities)} probabilities came"
            )
        if self.probabilities is not None:
            _check_probabilities(f"'{self.name}'", self.probabilities)
        if self.value is not None and self.classes:
            raise ContractError(
                f"head '{self.name}' has classes ({', '.join(self.classes)}); the value {self.value} came"
            )
        if any(not 0 <= index < len(self.classes) for index in self.kept):
            raise ContractError(f"head '{self.name}' has {len(self.classes)} classes; the kept set {self.kept} came")

    @property
    def answered(self) -> bool:
        """Whether there are probabilities or a value."""
        return self.probabilities is not None or self.value is not None

    @property
    def stretch_s(self) -> tuple[float, float]:
        """Start and end of the stretch of time that the answer describes; raise ValueError where it has none."""
        if self.start_s is None or self.end_s is None:
            raise ValueError(f"head '{self.name}' describes a moment, not a stretch of time")
        return self.start_s, self.end_s

    @property
    def unsure(self) -> bool:
        """Whether there are classes and none has half of the probability: the best is more likely wrong than right."""
        return self.probabilities is not None and max(self.probabilities) < SURE

    @property
    def best(self) -> str | None:
        """The most probable class; None without probabilities."""
        if self.probabilities is None:
            return None
        return self.classes[max(range(len(self.classes)), key=self.probabilities.__getitem__)]


@dataclass(frozen=True)
class Hearing:
    """State of the microphone at one decision.

    Attributes
    ----------
    speaking : bool
        Somebody speaks who is taken for the participant.
    withheld : str or None
        Reason why the voice is withheld, where the microphone may hear another source than the participant.
    fault : "clipping", "silent", "stuck" or None
        What is wrong with the microphone.
    trouble : str or None
        The same in a few words, with the figure.
    clipped_fraction : float or None
        Of the samples of the newest second, those at the end of the scale; None before the first second.
    level_db : float or None
        RMS of the newest second in dB of full scale.
    """

    speaking: bool
    withheld: str | None
    fault: MicrophoneFault | None
    trouble: str | None
    clipped_fraction: float | None
    level_db: float | None


@dataclass(frozen=True)
class Ledger:
    """LSL times of the stages of a decision.

    Attributes
    ----------
    received_s : float
        The newest sample it used had reached this process.
    ring_s : float
        Windows were cut from the rings.
    features_s : float
        Features were computed.
    inference_s : float
        The networks had answered.
    published_s : float
        Snapshot, outlet and journal had it.
    """

    received_s: float
    ring_s: float
    features_s: float
    inference_s: float
    published_s: float


@dataclass(frozen=True)
class SampleRange:
    """Samples ``first`` up to but not including ``stop``, counted from the start of the stream."""

    first: int
    stop: int


@dataclass(frozen=True)
class Estimate:
    """The complete result of one decision.

    Attributes
    ----------
    time_s, session_time_s : float
        Data time on the LSL clock, and since the session's start.
    heads : tuple of HeadOutput
        One per head of the session, whether it has an answer or abstains; names differ. Heads of different constructs
        (felt, expressed) stay apart; heads of a fusion stand beside those that they fuse.
    used : tuple of str
        Modalities that the decision rests on.
    looks : tuple of Look
        Glimpses taken since the decision before.
    calibrated : bool
        Whether enough rest was recorded to normalise the signals to this person.
    ranges : mapping of modality to SampleRange
        Samples of each stream that the decision touched.
    ledger : Ledger
    bundles : tuple of str
        Hashes.
    notices : tuple of str
    hearing : Hearing or None
        None without a microphone.
    degraded : str or None
        Why felt emotion deserves less trust than usual: while the participant speaks, the movements of the mouth look
        like expressions, and the muscles of jaw and tongue are in the EEG.
    glimpsed_fraction : float or None
        Frames looked at / frames elapsed, so far.
    band_attention : (3,) float32 or None
        Weights of theta, alpha and beta in the newest half second of EEG, sum 1; None without EEG, or a model that has
        such weights.
    periphery : tuple of Periphery
        Every frame of the grid since the decision before.
    domain_distances : tuple of DomainDistance
        One per model that has a gate on the EEG.
    face_readings : tuple of FaceReading
        Every frame of the grid since the decision before that the face-expression network read or could not read.
    ablations : tuple of Ablation
        Only those that differ in what the model was given so far, and that leave something fresh to answer from.
    ring_samples : mapping of modality to int
        Samples that each source had delivered into its ring when the decision began: with them, and the chunks as they
        arrived, a recorded session is decoded again exactly.

    Raises
    ------
    ContractError
        A head is named twice, or an ablation is of no head of these classes.
    """

    time_s: float
    session_time_s: float
    heads: tuple[HeadOutput, ...]
    used: tuple[str, ...]
    looks: tuple[Look, ...]
    calibrated: bool
    ranges: Mapping[str, SampleRange]
    ledger: Ledger
    bundles: tuple[str, ...]
    notices: tuple[str, ...]
    hearing: Hearing | None = None
    degraded: str | None = None
    glimpsed_fraction: float | None = None
    band_attention: FloatArray | None = None
    periphery: tuple[Periphery, ...] = ()
    face_readings: tuple[FaceReading, ...] = ()
    domain_distances: tuple[DomainDistance, ...] = ()
    ablations: tuple[Ablation, ...] = ()
    ring_samples: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        refuse_duplicates([head.name for head in self.heads], "head of an estimate")
        refuse_duplicates([one.without for one in self.ablations], "ablation of an estimate")
        classes = {head.name: len(head.classes) for head in self.heads}
        for name, row in ((name, row) for one in self.ablations for name, row in one.probabilities.items()):
            if classes.get(name) != len(row):
                raise ContractError(
                    f"an ablation has {len(row)} probabilities of '{name}'; the estimate's heads have "
                    f"{', '.join(f'{n} of {head}' for head, n in classes.items())}"
                )

    def head(self, name: str) -> HeadOutput | None:
        """Return the output of a head, whether it has an answer or abstains; None where there is no such head."""
        return next((head for head in self.heads if head.name == name), None)

    def answer(self, name: str) -> HeadOutput | None:
        """Return the output of a head that has an answer; None otherwise."""
        head = self.head(name)
        return head if head is not None and head.answered else None

    @property
    def ages_s(self) -> dict[str, float]:
        """Information age at publication of each modality used, as the first head that rests on it has it."""
        ages: dict[str, float] = {}
        for head in self.heads:
            for modality, age_s in head.ages_s.items():
                if modality in self.used:
                    ages.setdefault(modality, age_s)
        return ages


def _check_probabilities(head: str, row: tuple[float, ...]) -> None:
    if not all(map(math.isfinite, row)):
        raise NotFiniteError(f"head {head} needs finite numbers; {row} came")
    if not (all(-_ROUNDING <= p <= 1 + _ROUNDING for p in row) and abs(sum(row) - 1) <= _ROUNDING):
        raise ContractError(f"head {head} needs probabilities in 0..1 that add up to 1; {row} came")


def at_publication(estimate: Estimate, published_s: float) -> Estimate:
    """Return an estimate as published at a moment: its ledger names the moment, and its ages count up to it."""
    waited_s = published_s - estimate.ledger.published_s
    return replace(
        estimate,
        ledger=replace(estimate.ledger, published_s=published_s),
        heads=tuple(
            replace(head, ages_s={modality: age_s + waited_s for modality, age_s in head.ages_s.items()})
            for head in estimate.heads
        ),
    )
