"""Labelled utterances to train speech networks on, and batches of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ....models.contract import FloatArray


@dataclass(frozen=True)
class LabelledUtterance:
    """One utterance of a known class.

    Attributes
    ----------
    samples : (n,) float32
        16 kHz, in -1..1.
    label : int
        Index of the class.
    person : int
        Seed of the simulated speaker; 0 for files.
    expressed : (2,) float32
        Valence and arousal that a simulated voice expresses; 0 for files.
    """

    samples: FloatArray
    label: int
    person: int = 0
    expressed: FloatArray = field(default_factory=lambda: np.zeros(2, np.float32))


def batches_by_length(
    utterances: Sequence[LabelledUtterance],
    segments_of: Callable[[LabelledUtterance], FloatArray],
    size: int,
    rng: np.random.Generator,
) -> Iterator[tuple[Tensor, tuple[LabelledUtterance, ...]]]:
    """Shuffle utterances into batches of one number of segments: padded ones would teach batch norm silence.

    Parameters
    ----------
    utterances : sequence of LabelledUtterance
    segments_of : callable
        Cuts an utterance into segments, ``(n_segments, 16000)`` float32.
    size : int
        Of the largest batch.
    rng : Generator

    Yields
    ------
    segments : (batch, n_segments, 16000) float32
    utterances : tuple of LabelledUtterance
        Of the batch.
    """
    by_length: dict[int, list[tuple[FloatArray, LabelledUtterance]]] = {}
    for index in rng.permutation(len(utterances)):
        segments = segments_of(utterances[index])
        by_length.setdefault(len(segments), []).append((segments, utterances[index]))
    batches = [same[i : i + size] for same in by_length.values() for i in range(0, len(same), size)]
    for index in rng.permutation(len(batches)):
        segments_in, utterances_in = zip(*batches[index], strict=True)
        yield torch.from_numpy(np.stack(segments_in)), utterances_in


def labels_of(utterances: Sequence[LabelledUtterance]) -> Tensor:
    """Return the labels, ``(n,)`` int64."""
    return torch.tensor([one.label for one in utterances])
