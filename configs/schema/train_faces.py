"""The schemas of the face-expression network's training and evaluation."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from .load import Section
from .training import Count, Positive, Share


class SettlingSection(Section):
    """A last, short cycle at a low rate on pictures that are changed less; keys as of the first cycle."""

    epochs: Annotated[int, Field(ge=0)] = 3
    learning_rate: Positive = 0.03
    changes: Share = 0.3
    mixed: Share = 0.0


class TrainFacesConfig(Section):
    """A training run on FER2013 with the votes of FER+.

    ``data`` is its folder (give it with ``--set data=…``). A share ``held_out`` of the photographs of its train
    part is kept apart: temperatures are fitted and choices are made on them. ``repeats`` is how often an epoch
    shows pictures of disgust and contempt, which are rare; ``votes_share`` is what the raters' votes weigh in the
    targets of FER2013's own labels; ``changes`` scales how many pictures are changed as a camera, a cap or a
    headset would, ``moved`` how far all are moved. ``prior`` is how much of the logarithm of the labels'
    frequencies is taken from the logits of FER2013's labels, for the recall of rare ones. ``mirrored`` has the
    bundle answer by the mean over a face and its mirror image, which takes longer. ``start`` is a bundle to go on
    from, trained on other photographs of the same split; without one, training begins from nothing. ``aligned``
    trains on crops as they are read: aligned where a face is found in them. ``bfloat16`` computes in half
    precision, which is faster on processors that know it.
    """

    kind: Literal["faces"] = "faces"
    name: str = "face"
    data: Path | None = None
    domain: str
    attribution: str = ""
    seed: Annotated[int, Field(ge=0)] = 0
    held_out: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.1
    start: Path | None = None
    aligned: bool = False
    epochs: Count = 32
    batch: Count = 64
    learning_rate: Positive = 0.05
    weight_decay: Annotated[float, Field(ge=0.0)] = 5e-4
    dropout: Share = 0.2
    repeats: Count = 3
    votes_share: Share = 0.2
    changes: Share = 0.75
    moved: Share = 1.0
    mixed: Share = 0.5
    prior: Share = 0.3
    mirrored: bool = False
    bfloat16: bool = True
    settling: SettlingSection = SettlingSection()
    cache: Path | None = None


class EvaluateFacesConfig(Section):
    """An evaluation of a face-expression bundle on the test part of FER2013, as it is and with its pictures changed."""

    kind: Literal["evaluate_faces"] = "evaluate_faces"
    name: str = "face"
    bundle: str = "face"
    data: Path | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0,)
