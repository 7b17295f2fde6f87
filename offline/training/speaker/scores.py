"""Speaker verification trials: utterances against enrolled speakers, and the errors they give."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.errors import MoodringError
from ....models.contract import FloatArray
from ....models.signals.speech.speaker_verification import (
    LONGEST_WINDOW,
    Array,
    Background,
    log_likelihood_ratios,
    log_likelihoods,
    map_adapt,
)

_FRAMES_A_SECOND = 100
AFTER = ("1 s", "2 s", "3 s", "all of it")
_CALM = ("neutral", "calm")


@dataclass(frozen=True)
class CepstralUtterance:
    """An utterance: its speaker, prompt and emotion, the cepstra of each of its seconds, and how many are whole."""

    speaker: str
    prompt: str
    woman: bool
    label: str
    seconds: tuple[FloatArray, ...]
    whole: int

    @property
    def frames(self) -> int:
        """Number of frames."""
        return sum(map(len, self.seconds))


@dataclass(frozen=True)
class EnrolmentCondition:
    """Condition of enrolment: so many seconds of utterances drawn at random, of all emotions or calm ones.

    ``known``: tested once more with the other voice enrolled, too.
    """

    name: str
    seconds: float
    calm: bool
    known: bool = False


RECOMMENDED = "20 s, all emotions"
THRESHOLDS_SET_WITH = EnrolmentCondition(RECOMMENDED, 20.0, False)
ENROLMENT_CONDITIONS = (
    EnrolmentCondition("10 s, neutral", 10.0, True, True),
    EnrolmentCondition("10 s, all emotions", 10.0, False),
    EnrolmentCondition(RECOMMENDED, 20.0, False, True),
    EnrolmentCondition("40 s, all emotions", 40.0, False),
)
KNOWN = "; the other voice too"


@dataclass(frozen=True)
class VerificationTrials:
    """VerificationTrials, one row each: an utterance against an enrolled speaker.

    Attributes
    ----------
    enrolled, speaker : (n,) str
    same_sex : (n,) bool
    label : (n,) str
    people, others : (n, 4) float
        The scores against people in general and the other voice, after 1, 2 and 3 seconds and at the utterance's end;
        NaN where it is shorter.
    segments : (n,) int
        How many of the newest segments count at the end: 1 to 3.
    """

    enrolled: NDArray[np.str_]
    speaker: NDArray[np.str_]
    same_sex: NDArray[np.bool_]
    label: NDArray[np.str_]
    people: Array
    others: Array
    segments: NDArray[np.int64]

    @property
    def own(self) -> NDArray[np.bool_]:
        """Whether the enrolled speaker speaks."""
        return np.asarray(self.enrolled == self.speaker)


@dataclass(frozen=True)
class CorpusTrials:
    """All trials of one corpus under one enrolment condition.

    Attributes
    ----------
    corpus, condition : str
    trials : VerificationTrials
    thresholds : (n, 3) float
        The thresholds that each trial is judged by, after 1, 2 and 3 seconds; set on other speakers.
    """

    corpus: str
    condition: str
    trials: VerificationTrials
    thresholds: Array


def concatenate(parts: Sequence[VerificationTrials]) -> VerificationTrials:
    """Concatenate trials."""
    names = [one.name for one in fields(VerificationTrials)]
    return VerificationTrials(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def run_trials(
    utterances: Sequence[CepstralUtterance],
    background: Background,
    seed: int,
    ways: Sequence[EnrolmentCondition] = ENROLMENT_CONDITIONS,
) -> dict[str, VerificationTrials]:
    """Enrol each speaker in each way with every other sentence, and score the other sentences against each speaker.

    Where the other voice is known, an utterance of another is scored with that other enrolled too, and an utterance
    of the enrolled speaker once with each of the others.
    """
    found = {}
    for way in ways:
        names, tested = _likelihoods(utterances, background, way, seed)
        found[way.name] = _trials(utterances, names, tested, known=False)
        if way.known:
            found[way.name + KNOWN] = _trials(utterances, names, tested, known=True)
    return found


def _likelihoods(
    utterances: Sequence[CepstralUtterance], background: Background, way: EnrolmentCondition, seed: int
) -> tuple[list[str], dict[int, list[tuple[int, Array]]]]:
    """Return the enrolled speakers and, of each test utterance, frames and log-likelihood sums of its seconds."""
    names = sorted({one.speaker for one in utterances})
    prompts = set(sorted({one.prompt for one in utterances})[::2])
    chosen = {name: _enrolled_with(utterances, name, way, prompts, seed) for name in names}
    if empty := [name for name, indices in chosen.items() if not indices]:
        raise MoodringError(f"nothing of speaker {empty[0]} is neutral or calm, as enrolling with {way.name!r} needs")
    means = [
        map_adapt(background, np.concatenate([row for index in chosen[name] for row in utterances[index].seconds]))
        for name in names
    ]
    tested: dict[int, list[tuple[int, Array]]] = {}
    for index, one in enumerate(utterances):
        if one.prompt in prompts:
            continue
        rows, ends = np.concatenate(one.seconds), np.cumsum([len(row) for row in one.seconds])
        likely = np.array([log_likelihoods(background, m, rows) for m in (background.means, *means)])
        parts = np.split(likely, ends[:-1], axis=1)
        tested[index] = [(part.shape[1], part.sum(axis=1)) for part in parts]
    return names, tested


def _trials(
    utterances: Sequence[CepstralUtterance], names: list[str], tested: dict[int, list[tuple[int, Array]]], known: bool
) -> VerificationTrials:
    woman = {one.speaker: one.woman for one in utterances}
    rows = []
    for index, sums in tested.items():
        one = utterances[index]
        for at, name in enumerate(names):
            for other in _others(names, name, one.speaker, known):
                columns = [0, at + 1, *([names.index(other) + 1] if other else [])]
                people, others = _scores([(n, values[columns]) for n, values in sums], one.whole)
                same = woman[other or one.speaker] == woman[name]
                rows.append((name, one.speaker, same, one.label, people, others, min(len(sums), LONGEST_WINDOW)))
    if not rows:
        raise MoodringError(
            "voices are enrolled with some prompts and tested with others; the corpus has one prompt only: record more"
        )
    return VerificationTrials(*(np.array(column) for column in zip(*rows, strict=True)))


def trials_of(found: VerificationTrials, enrolled: str) -> VerificationTrials:
    """Return the trials in which somebody is the enrolled speaker."""
    kept = found.enrolled == enrolled
    return VerificationTrials(**{one.name: getattr(found, one.name)[kept] for one in fields(VerificationTrials)})


def thresholds_of(found: VerificationTrials, false_rejection: float) -> tuple[float, float, float]:
    """Return the thresholds at which that share of the enrolled speakers' own utterances is lost after 1, 2 and 3 s."""
    one, two, three = (
        round(float(np.nanquantile(found.people[found.own, column], false_rejection)), 4)
        for column in range(LONGEST_WINDOW)
    )
    return one, two, three


def margins(found: VerificationTrials, thresholds: Array) -> Array:
    """Return by how much each trial passes (below 0: it does not).

    Parameters
    ----------
    found : VerificationTrials
    thresholds : (3,) or (n, 3) float
        For all trials, or for each.

    Returns
    -------
    (n, 4) float
        NaN where the utterance is shorter.
    """
    at = np.broadcast_to(thresholds, (len(found.segments), LONGEST_WINDOW))
    # An utterance that ends after one or two seconds is tested against the threshold for those.
    needed = np.column_stack((at, at[np.arange(len(at)), found.segments - 1]))
    return np.asarray(np.minimum(found.people - needed, found.others))


def equal_error_rate(own: Array, other: Array) -> float:
    """Return the share lost at the threshold where it equals the share of others that pass."""
    own, other = np.sort(own[np.isfinite(own)]), np.sort(other[np.isfinite(other)])
    if not len(own) or not len(other):
        return float("nan")
    at = np.sort(np.concatenate((own, other)))
    lost, passed = np.searchsorted(own, at) / len(own), 1.0 - np.searchsorted(other, at) / len(other)
    best = int(np.argmin(np.abs(lost - passed)))
    return float((lost[best] + passed[best]) / 2.0)


def _enrolled_with(
    utterances: Sequence[CepstralUtterance], name: str, way: EnrolmentCondition, prompts: set[str], seed: int
) -> list[int]:
    """Draw utterances of a speaker, at random, until there is enough."""
    random = np.random.default_rng((seed, *name.encode()))
    may = [one.speaker == name and one.prompt in prompts and (not way.calm or one.label in _CALM) for one in utterances]
    own = np.flatnonzero(may)
    chosen: list[int] = []
    frames = 0
    for index in random.permutation(own).tolist():
        if frames >= way.seconds * _FRAMES_A_SECOND:
            break
        chosen.append(index)
        frames += utterances[index].frames
    return chosen


def _others(names: Sequence[str], enrolled: str, speaker: str, known: bool) -> list[str]:
    """Return the other speakers to enrol, one trial each; an empty name stands for no other speaker."""
    if not known:
        return [""]
    return [speaker] if speaker != enrolled else [name for name in names if name != enrolled]


def _scores(sums: list[tuple[int, Array]], whole: int) -> tuple[list[float], list[float]]:
    after = [(np.nan, np.nan)] * LONGEST_WINDOW
    at_end = (np.nan, np.nan)
    for index in range(len(sums)):
        window = tuple(sums[max(0, index - LONGEST_WINDOW + 1) : index + 1])
        at_end = log_likelihood_ratios(window) if sum(n for n, _ in window) else (np.nan, np.nan)
        if index < min(LONGEST_WINDOW, whole):
            after[index] = at_end
    people, others = zip(*after, at_end, strict=True)
    return list(people), list(others)
