"""The schemas of the evaluations of several brains that vote."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..load import Section
from ..training import Count, Positive

Zeroable = Annotated[float, Field(ge=0.0)]


class FmriCnnSection(Section):
    """Stochastic gradient descent of the network of one listener."""

    epochs: Count = 20
    batch: Annotated[int, Field(ge=2)] = 32
    learning_rate: Positive = 1e-2
    momentum: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.9
    weight_decay: Zeroable = 1e-6


class FusionSection(Section):
    """Adam of the voting network; after the mask, as many epochs again.

    ``thresholds`` are those of which one is chosen within the training items.
    """

    epochs: Count = 10
    batch: Annotated[int, Field(ge=2)] = 32
    learning_rate: Positive = 1e-4
    weight_decay: Zeroable = 0.0
    thresholds: Annotated[tuple[Positive, ...], Field(min_length=2)]


class VotingSection(Section):
    """What evaluations of votes share.

    Attributes
    ----------
    seeds : tuple of int
    n_images : int
        Of a window.
    inner_folds : int
        Of the training blocks: features that a fusion is trained on come from networks that did not learn these items,
        and its threshold is chosen on blocks that it did not learn.
    cnn, fusion : sections
    svm_penalty : float
        The C of every linear support vector machine, on standardised features.
    cache : Path or None
        Keeps what each finished fold answered, so that a run that was cut goes on; None: the user's cache folder.
    """

    threads: Count = 1
    cache: Path | None = None
    seeds: Annotated[tuple[int, ...], Field(min_length=1)]
    n_images: Count = 8
    inner_folds: Annotated[int, Field(ge=2)] = 3
    cnn: FmriCnnSection = FmriCnnSection()
    fusion: FusionSection
    svm_penalty: Positive = 1e-3


class SimulatedVotingConfig(VotingSection):
    """An evaluation on simulated listeners, whose truth is known.

    ``seeds`` are of the groups of listeners and of the trainings. The lag is from an utterance's onset to the first
    image of its window. ``leave_out = "utterance"`` is the paper's protocol: one utterance tests, those whose windows
    meet its own are left out, and all others train.
    """

    kind: Literal["voting_simulated"] = "voting_simulated"
    name: str = "Voting on simulated listeners"
    lag_s: Zeroable = 4.0
    listeners: Annotated[int, Field(ge=3)] = 18
    silent: Annotated[int, Field(ge=0)] = 6
    contrary: Annotated[int, Field(ge=0)] = 1
    utterances: tuple[Count, Count, Count, Count] = (33, 79, 69, 70)
    blocks: Annotated[int, Field(ge=3)] = 6
    volumes: bool = False
    leave_out: Literal["block", "utterance"] = "block"

    @model_validator(mode="after")
    def _some_respond(self) -> "SimulatedVotingConfig":
        if self.listeners - self.silent - self.contrary < 2:
            raise ValueError(
                f"at least 2 listeners respond, but of {self.listeners} are {self.silent} silent and {self.contrary} "
                "contrary"
            )
        if self.inner_folds > self.blocks - 1:
            raise ValueError(f"inner_folds = {self.inner_folds}, but each fold trains on {self.blocks - 1} blocks")
        return self


class ScansVotingConfig(VotingSection):
    """An evaluation on scans of listeners, in the layout of ``offline/datasets/fmri/nifti.py``.

    Attributes
    ----------
    data : Path or None
        The folder of the scans.
    atlas : Path or None
        None: that of the folder.
    classes : tuple of str
        Of the events' column ``trial_type``; of the four of Hsieh and Lee where ``iemocap`` is given.
    iemocap : Path or None
        The folder of IEMOCAP: events then name utterances in the column ``stim_file``.
    interval_s : float
        From one image to the next, after interpolation.
    lag_s : float
        From an utterance's onset to the first image of its window.
    leave_out : "run" or "utterance"
        "utterance" is the paper's protocol.
    """

    kind: Literal["voting_scans"] = "voting_scans"
    name: str = "Voting on scans of listeners"
    data: Path | None = None
    atlas: Path | None = None
    classes: Annotated[tuple[str, ...], Field(min_length=2)] = ("sadness", "happiness", "neutral", "anger")
    iemocap: Path | None = None
    interval_s: Positive = 1.0
    lag_s: Zeroable = 4.0
    leave_out: Literal["run", "utterance"] = "run"


class HtfaVotingConfig(VotingSection):
    """An evaluation on real listeners of one story: one half makes the labels, the other votes; then swapped.

    Attributes
    ----------
    data : Path or None
        The folder with ``weights.mat``.
    interval_s : float
        From one image to the next.
    states : int
        Of the mean response of those who make the labels.
    blocks : int
        Of time, of equal length.
    gap_s : float
        Left out of training on both sides of what tests; longer than the haemodynamic response.
    trim_s : float
        Left out at both ends of the story, where the response to its beginning and end is a state of its own.
    shifts : int
        Random circular shifts of the labels, of which the null is made.
    """

    kind: Literal["voting_htfa"] = "voting_htfa"
    name: str = "Voting on listeners of one story"
    data: Path | None = None
    interval_s: Positive = 1.5
    states: Annotated[int, Field(ge=2)] = 4
    blocks: Annotated[int, Field(ge=3)] = 6
    gap_s: Annotated[float, Field(ge=20.0)] = 24.0
    trim_s: Zeroable = 15.0
    shifts: Count = 1000

    @model_validator(mode="after")
    def _enough_blocks(self) -> "HtfaVotingConfig":
        if self.inner_folds > self.blocks - 1:
            raise ValueError(f"inner_folds = {self.inner_folds}, but each fold trains on {self.blocks - 1} blocks")
        return self
