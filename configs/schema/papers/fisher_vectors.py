"""The schema of the evaluation of Fisher vectors of voices beside the speech recogniser."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from ..load import Section
from ..training import Count, Positive


class FisherVectorsConfig(Section):
    """An evaluation of Fisher vectors with a linear support vector machine, on the folds of the recogniser.

    Attributes
    ----------
    corpus : str
    data : Path or None
        The corpus's folder; give it with ``--set data=FOLDER``.
    recipe : Path
        The config of the recogniser's training on the corpus, beside this one.
    copies : bool
        Train the recogniser on its changed copies, too, as its recipe says; measuring them takes minutes.
    components, most_frames : int
        Of the Gaussian mixture, and the frames that it is fitted on.
    penalties : tuple of float
        C of the support vector machine; one is chosen within the training speakers.
    cache : Path
        Keeps the recogniser's features and folds.
    """

    kind: Literal["fisher_vectors"] = "fisher_vectors"
    name: str = "Fisher vectors of voices"
    corpus: str
    data: Path | None = None
    on_bad: Literal["stop", "skip"] = "stop"
    recipe: Path = Path("train_emodb.toml")
    copies: bool = True
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0,)
    components: Count = 32
    most_frames: Count = 20_000
    penalties: Annotated[tuple[Positive, ...], Field(min_length=1)] = (0.3, 3.0, 30.0)
    cache: Path = Path("fisher_vectors.cache")
