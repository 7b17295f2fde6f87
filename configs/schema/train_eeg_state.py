"""The schemas of a training run and of an evaluation of a state of mind from the EEG alone."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .load import Section

BandHz = tuple[Annotated[float, Field(gt=0.0)], Annotated[float, Field(le=45.0)]]


class EegStateSection(Section):
    """What a model of a state of mind reads and tells.

    Attributes
    ----------
    corpus : str
        Reader of the recordings.
    data : Path or None
        The corpus's folder: give it with ``--set data=FOLDER``.
    label : str
        Which of the corpus's labels.
    classes : tuple of str
        In the order of the answers.
    rest : str or None
        The class whose first ``rest_s`` seconds each person is normalised to, and which then belong to no class.
    electrodes : tuple of str
        10-10 names; other montages are brought to them.
    bands_hz, branch_bands_hz : tuples of (low, high)
        What is measured, and what of it the model reads: each the sum of some of the measured; all by default.
    whole : bool
        Covariances; False is the log power of each electrode alone, for few electrodes and people.
    window_s, memory_s : float
        Length of a window, and for how long evidence is averaged.
    min_channels : int
        Fewest good electrodes.
    shrinkages : tuple of float
        From which the shrinkage is chosen, on people apart.
    line_hz : 50, 60 or None
    cache : Path or None
        A folder in which the measured windows are kept for the next run.
    workers : int
    """

    corpus: str
    data: Path | None = None
    label: str
    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    rest: str | None = None
    rest_s: Annotated[float, Field(ge=10.0, le=600.0)] = 30.0
    electrodes: Annotated[tuple[str, ...], Field(min_length=2)]
    bands_hz: Annotated[tuple[BandHz, ...], Field(min_length=1)]
    branch_bands_hz: Annotated[tuple[BandHz, ...], Field(min_length=1)] | None = None
    whole: bool = True
    window_s: Annotated[float, Field(ge=1.0, le=10.0)] = 2.0
    memory_s: Annotated[float, Field(ge=0.5, le=60.0)] = 10.0
    min_channels: Annotated[int, Field(ge=2)]
    shrinkages: Annotated[tuple[Annotated[float, Field(gt=0.0, le=1.0)], ...], Field(min_length=1)] = (
        0.8, 0.9, 0.95, 0.98,
    )  # fmt: skip
    line_hz: Literal[50, 60] | None = 50
    cache: Path | None = None
    workers: Annotated[int, Field(ge=1, le=64)] = 2

    @property
    def branch(self) -> tuple[BandHz, ...]:
        """The bands that the model reads."""
        return self.branch_bands_hz or self.bands_hz

    @model_validator(mode="after")
    def _fits(self) -> "EegStateSection":
        wrong = [band for band in self.bands_hz if not band[0] < band[1]]
        if wrong:
            raise ValueError(
                f"bands_hz: {wrong[0][0]:g} to {wrong[0][1]:g} Hz does not rise; write the lower edge first"
            )
        if self.rest is not None and self.rest not in self.classes:
            raise ValueError(f"rest is '{self.rest}', classes are {', '.join(self.classes)}; name one of them")
        if self.min_channels > len(self.electrodes):
            raise ValueError(
                f"min_channels is {self.min_channels}, electrodes are {len(self.electrodes)}; ask for less"
            )
        return self


class TrainEegStateConfig(EegStateSection):
    """A training run: everybody of the corpus, with scores on people left out.

    Attributes
    ----------
    name : str
        Of the model's head.
    target : str
        What the head means.
    domain, attribution, limits : str, str, tuple of str
        Who was recorded, whose the data are, and what the card says of its limits.
    seeds : tuple of int
        Of the folds in which something is chosen; the first is the shipped model's.
    """

    kind: Literal["eeg_state"] = "eeg_state"
    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    target: str
    label_source: str
    domain: str
    attribution: str = ""
    limits: tuple[str, ...] = ()
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0,)


class ControlSection(Section):
    """A row of the table that is no model to ship: the same method on other electrodes, bands or spans of time.

    Attributes
    ----------
    name : str
    electrodes, bands_hz : tuples
        A part of the evaluation's; those of the branch by default.
    whole : bool or None
        Covariances, or log power alone; None: as the branch.
    spans : mapping of class to (label, start, stop)
        In the place of labels: which seconds of which recording are which class.
    permuted : bool
        Each training person's recordings get each other's labels at random.
    """

    name: str
    electrodes: tuple[str, ...] | None = None
    bands_hz: tuple[BandHz, ...] | None = None
    whole: bool | None = None
    spans: dict[str, tuple[str, float, float]] | None = None
    permuted: bool = False


class EvaluateEegStateConfig(EegStateSection):
    """An evaluation with people left out one by one, or trained on one folder and tested on another.

    Attributes
    ----------
    name, domain : str
    test : Path or None
        Another folder of the corpus's layout: its people are tested, those of ``data`` train.
    seeds : tuple of int
        Of the folds in which something is chosen.
    control_seeds : int
        How many of them the controls get.
    controls : tuple of ControlSection
    """

    kind: Literal["eeg_state"] = "eeg_state"
    name: str
    domain: str
    test: Path | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0, 1, 2, 3, 4)
    control_seeds: Annotated[int, Field(ge=1)] = 1
    controls: tuple[ControlSection, ...] = ()
