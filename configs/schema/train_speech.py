"""The schemas of training runs of the speech model, and of the background of voices that enrolments are made with."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .load import Section
from .training import people_apart

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0.0)]
Four = tuple[Count, Count, Count, Count]
Seeds = Annotated[tuple[int, ...], Field(min_length=1)]


class SpeakersSection(Section):
    """Simulated people to train on, to stop by, to calibrate probabilities on, and to report on.

    Nobody may be in two groups, and the final test's people (seeds 1001 to 1010) in none.
    """

    difficulty: Literal["benchmark", "easy"] = "benchmark"
    first_seed: Count = 1
    count: Count = 80
    seconds: Annotated[float, Field(ge=12.0, le=3600.0)] = 120.0
    stopping_seeds: Seeds = (801, 802, 803, 804)
    calibration_seeds: Seeds = (805, 806, 807, 808)
    test_seeds: Seeds = (901, 902, 903, 904, 905, 906, 907, 908)
    held_out_seconds: Annotated[float, Field(ge=12.0, le=3600.0)] = 240.0

    @property
    def training_seeds(self) -> tuple[int, ...]:
        """Seeds of the people to train on."""
        return tuple(range(self.first_seed, self.first_seed + self.count))

    @model_validator(mode="after")
    def _apart(self) -> "SpeakersSection":
        people_apart(self.training_seeds, self.stopping_seeds, self.calibration_seeds, self.test_seeds)
        return self


class SpeechNetworkSection(Section):
    """Sizes of the four convolution blocks (one number each) and of the LSTM."""

    channels: Four = (16, 32, 48, 64)
    kernels: Four = (80, 9, 7, 5)
    strides: Four = (4, 1, 1, 1)
    pools: Four = (8, 4, 4, 4)
    lstm_units: Count = 48
    dropout: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.1


class TrainSpeechConfig(Section):
    """A training run: SGD with Nesterov momentum and early stopping.

    The step size falls from ``learning_rate`` to nothing along a cosine over ``epochs``; training stops earlier where
    ``patience`` epochs in a row have not lowered the loss of the people to stop by. Each time an utterance is shown,
    up to ``shift_s`` is cut from its beginning. ``guide`` weighs a second task, left out of the bundle: naming the
    valence and arousal that the simulated voice expresses, which says more than the category does.
    """

    kind: Literal["speech"] = "speech"
    name: str = "speech"
    seed: int = 0
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    device: str = "cpu"
    people: SpeakersSection = SpeakersSection()
    network: SpeechNetworkSection = SpeechNetworkSection()
    epochs: Count = 12
    patience: Count = 5
    batch: Count = 8
    learning_rate: Positive = 0.02
    momentum: Annotated[float, Field(gt=0.0, lt=1.0)] = 0.9
    weight_decay: Annotated[float, Field(ge=0.0)] = 5e-4
    shift_s: Annotated[float, Field(ge=0.0, le=1.0)] = 0.4
    guide: Annotated[float, Field(ge=0.0)] = 2.0


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
