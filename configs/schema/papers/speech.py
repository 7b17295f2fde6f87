"""The schema of a system of the paper on raw speech, and of the runs that its figures come from."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ..errors import ConfigError
from ..load import Section, load
from ..train_speech import Count, Positive, SpeechNetworkSection

System = Literal["network", "cnn", "lstm", "cnn_lstm"]
Share = Annotated[float, Field(gt=0.0, le=1.0)]


class RunSection(Section):
    """One line of the table: classes, protocol, seeds.

    Attributes
    ----------
    classes : tuple of str
        Files of other classes are left out.
    protocol : "random" or "speakers"
        The paper's random split into 64 % to train, 16 % to stop by and 20 % to test, another one for each seed, which
        leaks; or each speaker left out in turn, with another one to stop by.
    seeds : tuple of int
    training_share : float
        Train on so much of the files that are there to train on: for a learning curve.
    epochs : int, optional
        In place of the system's own: fewer files need more rounds.
    published_accuracy : float, optional
        The paper's figure in per cent, to print beside.
    """

    classes: Annotated[tuple[str, ...], Field(min_length=2)]
    protocol: Literal["random", "speakers"] = "random"
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = (0,)
    training_share: Share = 1.0
    epochs: Count | None = None
    published_accuracy: Annotated[float, Field(gt=0.0, le=100.0)] | None = None

    @model_validator(mode="after")
    def _once(self) -> "RunSection":
        for what, values in (("classes", self.classes), ("seeds", self.seeds)):
            if len(set(values)) < len(values):
                raise ValueError(f"{what} names one twice; name each once")
        return self


class PaperConfig(Section):
    """A system and how it is trained: SGD with Nesterov momentum, early stopping, a checkpoint per epoch.

    The step size falls from ``learning_rate`` to nothing along a cosine over ``epochs``; training stops earlier where
    ``patience`` epochs in a row have not lowered the loss of the files to stop by, and the best epoch is kept. Each
    time an utterance is shown, it is moved by up to ``shift_s`` against the grid of segments and played up to
    ``speed`` faster or slower.

    Attributes
    ----------
    corpus_kind, corpus : str
        Which reader, and the corpus's folder: ``--set corpus=FOLDER``.
    cache : str
        Folder of finished folds; empty: the user's cache folder.
    only_finished : bool
        Train nothing: the table of what the cache holds.
    units : int
        Of the hidden layer of ``network`` and of the LSTM of ``lstm``; the others have ``sizes``.
    """

    kind: Literal["paper"] = "paper"
    name: str
    system: System
    corpus_kind: str = "emodb"
    corpus: str = ""
    cache: str = ""
    only_finished: bool = False
    runs: Annotated[tuple[RunSection, ...], Field(min_length=1)]
    sizes: SpeechNetworkSection = SpeechNetworkSection()
    units: Count = 64
    epochs: Count = 60
    patience: Count = 15
    batch: Count = 16
    learning_rate: Positive = 0.02
    momentum: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.9
    weight_decay: Annotated[float, Field(ge=0.0)] = 1e-3
    smoothing: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1
    shift_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    speed: Annotated[float, Field(ge=0.0, le=0.3)] = 0.1
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    device: str = "cpu"


def load_systems(path: Path, overrides: tuple[str, ...] = ()) -> tuple[PaperConfig, ...]:
    """Read one config, or every one of a folder in the order of their names.

    Raises
    ------
    ConfigError
        One is wrong (see :func:`.load.load`), the folder holds none, or no corpus is given.
    """
    files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
    if not files:
        raise ConfigError(f"folder '{path}' holds no config (*.toml); give configs/paper_speech or one file of it")
    systems = tuple(load(file, PaperConfig, overrides) for file in files)
    if any(not system.corpus for system in systems):
        raise ConfigError(f"config '{path}' names no corpus; add --set corpus=FOLDER")
    return systems
