"""What one speaker's utterances are answered after: what was heard before them, at its best and at its worst."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....models.contract import FloatArray
from ..splits import IntArray

AS_SHIPPED = "as shipped"
IN_RANDOM_ORDER = "adapted, random order"
IN_CORPUS_ORDER = "adapted, corpus order"
ENROLLED = "8 mixed utterances heard"
TWO_SPEAKERS = "4 of theirs and 4 of another speaker heard"
ANOTHER_SPEAKER = "8 of another speaker heard"
N_HEARD = 8
STRESS_ORDERS = 3

Answer = Callable[[FloatArray, FloatArray], FloatArray]
"""Takes numbers in the order in which they are heard, and numbers heard before; returns logits of the former."""


def only_heard(emotion: str) -> str:
    """Return the name of the row in which one emotion alone was heard before."""
    return f"only {emotion} heard"


@dataclass(frozen=True)
class Speaker:
    """One speaker's utterances.

    Attributes
    ----------
    numbers : (n, n_numbers) float32
        In the corpus's order.
    emotions : (n,) str
    others : (n_others, n_numbers) float32
        Of other speakers.
    """

    numbers: FloatArray
    emotions: NDArray[np.str_]
    others: FloatArray


def answered(
    speaker: Speaker, answer: Answer, stressed: tuple[str, ...], orders: int, rng: np.random.Generator
) -> Iterator[tuple[str, FloatArray]]:
    """Yield each row's name with its logits ``(n, n_classes)``, NaN where an utterance is not judged.

    Rows of a history that was heard before judge the speaker's other utterances, each as the next one after it.

    Parameters
    ----------
    speaker : Speaker
    answer : callable
    stressed : tuple of str
        Emotions that are heard alone in a row each; empty leaves all rows with a given history out.
    orders : int
        Random orders, each a row of the same name.
    rng : Generator
    """
    n = len(speaker.numbers)
    nothing = speaker.numbers[:0]
    for _ in range(orders):
        order = rng.permutation(n)
        yield IN_RANDOM_ORDER, answer(speaker.numbers[order], nothing)[np.argsort(order)]
    yield IN_CORPUS_ORDER, answer(speaker.numbers, nothing)
    if not stressed:
        return
    for _ in range(STRESS_ORDERS):
        order = rng.permutation(n)
        strangers = rng.permutation(speaker.others)
        for name, mine, theirs in (
            (ENROLLED, N_HEARD, 0),
            (TWO_SPEAKERS, N_HEARD // 2, N_HEARD // 2),
            (ANOTHER_SPEAKER, 0, N_HEARD),
        ):
            before = np.concatenate((speaker.numbers[order[:mine]], strangers[:theirs]))
            if mine < n:
                yield name, _after(speaker, answer, order[:mine], before)
        for emotion in stressed:
            chosen = order[speaker.emotions[order] == emotion][:N_HEARD]
            if 0 < len(chosen) < n:
                yield only_heard(emotion), _after(speaker, answer, chosen, speaker.numbers[chosen])


def _after(speaker: Speaker, answer: Answer, heard: IntArray, before: FloatArray) -> FloatArray:
    judged = np.setdiff1d(np.arange(len(speaker.numbers)), heard)
    logits = np.concatenate([answer(speaker.numbers[[index]], before) for index in judged])
    found = np.full((len(speaker.numbers), logits.shape[1]), np.nan)
    found[judged] = logits
    return found
