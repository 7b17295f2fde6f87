"""The schema of the evaluation of joint cross-domain learning."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..load import Section
from ..training import Count, Positive, Share

FACES_NAME = "fer2013"
FILMED = "_faces"
"""Ending of the name of a set that is the faces of a corpus of films: ``savee_faces`` beside the voices ``savee``."""


def corpus_of(name: str) -> str:
    """Return the corpus that a set is of: its voices and its faces are the same people."""
    return name.removesuffix(FILMED)


class StepSection(Section):
    """One stage: how many batches, of how many images, and the first step size, which falls to a tenth."""

    batches: Count
    batch: Annotated[int, Field(ge=2)] = 32
    learning_rate: Positive = 2e-3


class SetSection(Section):
    """A set that is learned.

    Attributes
    ----------
    name : str
        ``fer2013``; a corpus of emotional speech; or the faces of a corpus of films: ``enterface_faces``,
        ``savee_faces``, ``ravdess_faces``, ``crema_d_faces``. The folder of the corpus's name in ``data`` is read.
    source : str
        The corpus of speech on which the network is trained between the faces and this set; empty: none.
    folds : int
        Of speakers. FER2013 has its own test part.
    single, tuned : StepSection
        Trained from scratch, and after the sources.
    """

    name: str
    source: str = ""
    folds: Annotated[int, Field(ge=2)] = 4
    single: StepSection
    tuned: StepSection


class PairSection(Section):
    """Two sets that are learned at once, after the sources.

    Attributes
    ----------
    sets : tuple of str
    joint : StepSection
        Its batch is of each set.
    source : str
        As of a set.
    leaky : bool
        Also on random segments.
    """

    sets: tuple[str, str]
    joint: StepSection
    source: str = ""
    leaky: bool = False


class PublishedSection(Section):
    """A published figure to print beside ours."""

    what: str
    accuracy: str
    differs: str


class CrossDomainConfig(Section):
    """An evaluation of joint cross-domain learning.

    Attributes
    ----------
    data : Path or None
        The folder that holds a folder of each set; give it with ``--set data=FOLDER``.
    pictures : int
        Of FER2013's train part that are used.
    frames : int
        Of each clip of a film that are searched for a face.
    visual_source : StepSection
        The first stage, on FER2013.
    audio_source : StepSection
        The second stage, on the source of each set.
    contrast_weight, margin : float
        Of the contrastive loss; embeddings have length 1.
    leaky : tuple of str
        Sets that are also judged on random segments, speakers on both sides.
    """

    kind: Literal["cross_domain"] = "cross_domain"
    name: str = "cross-domain"
    data: Path | None = None
    cache: Path | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    threads: Count = 1
    pictures: Count
    frames: Count = 8
    visual_source: StepSection
    audio_source: StepSection
    dropout: Share = 0.3
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-2
    label_smoothing: Share = 0.1
    contrast_weight: Annotated[float, Field(ge=0.0)] = 0.1
    margin: Positive = 1.0
    sets: Annotated[tuple[SetSection, ...], Field(min_length=1)]
    pairs: Annotated[tuple[PairSection, ...], Field(min_length=1)]
    leaky: tuple[str, ...] = ()
    published: tuple[PublishedSection, ...] = ()

    @model_validator(mode="after")
    def _sets_are_known(self) -> "CrossDomainConfig":
        names = [one.name for one in self.sets]
        if len(set(names)) < len(names):
            raise ValueError(f"each set is named once, came {', '.join(names)}")
        if FACES_NAME not in names:
            raise ValueError(f"one of the sets is '{FACES_NAME}', the visual source; came {', '.join(names)}")
        for pair in self.pairs:
            unknown = [name for name in pair.sets if name not in names]
            if unknown:
                raise ValueError(f"a pair is two of the sets {', '.join(names)}, came {' and '.join(pair.sets)}")
            corpora = [corpus_of(name) for name in pair.sets]
            if corpora[0] == corpora[1]:
                raise ValueError(f"{' and '.join(pair.sets)} are the same people; pair sets of two corpora")
            if corpus_of(pair.source) in corpora:
                raise ValueError(f"pair {' and '.join(pair.sets)} has a source among them: people would not be apart")
        for one in self.sets:
            if corpus_of(one.source) == corpus_of(one.name):
                raise ValueError(f"set '{one.name}' is its own source: people would not be apart")
        stray = [name for name in self.leaky if name not in names or name == FACES_NAME or name.endswith(FILMED)]
        if stray:
            raise ValueError(f"leaky names sets of voices among {', '.join(names)}, came {stray[0]}")
        return self
