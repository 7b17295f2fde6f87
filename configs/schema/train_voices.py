"""The schema of a training run of the background of voices, which enrolments are made with."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from .load import Section


class TrainVoicesConfig(Section):
    """A training run on a corpus: tested with speakers left out two at a time, then trained on all of them.

    ``data`` is the corpus's folder (give it with ``--set data=…``), ``test`` that of another one, whose speakers are
    tested with the background of all of the first. ``on_bad`` "skip" goes on without files of ``data`` that cannot be
    used. ``women`` names speakers where the corpus does not say. ``false_rejection`` is the share of the enrolled
    person's speech that may be lost: it sets the thresholds.
    """

    kind: Literal["voices"] = "voices"
    name: str = "voices"
    corpus: str
    data: Path | None = None
    on_bad: Literal["stop", "skip"] = "stop"
    test_corpus: str = "ravdess"
    test: Path | None = None
    domain: str
    attribution: str = ""
    women: tuple[str, ...] = ()
    seed: int = 0
    gaussians: Annotated[int, Field(ge=1, le=1024)] = 128
    frames: Annotated[int, Field(ge=1000)] = 20_000
    false_rejection: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.05
