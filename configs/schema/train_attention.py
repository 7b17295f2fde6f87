"""The schema of a training run of the attention model."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator

from .load import Section
from .training import Count, Positive, Share, StageSection, people_apart


class AttentionPeopleSection(Section):
    """Simulated people to train on, to validate on, and to calibrate probabilities on.

    Nobody may be in two groups, and the people of the final tests (seeds 1001 to 1010 and 3001 to 3040) in none.
    """

    difficulty: Literal["benchmark", "easy"] = "benchmark"
    seconds: Annotated[float, Field(ge=40.0, le=3600.0)] = 150.0
    first_seed: Count = 1
    count: Count = 500
    validation_seeds: tuple[int, ...] = tuple(range(801, 841))
    calibration_seeds: tuple[int, ...] = tuple(range(841, 865))
    validation_seconds: Annotated[float, Field(ge=40.0, le=3600.0)] = 180.0
    workers: Annotated[int, Field(ge=1, le=64)] = 2

    @property
    def training_seeds(self) -> tuple[int, ...]:
        """Seeds of the people to train on."""
        return tuple(range(self.first_seed, self.first_seed + self.count))

    @model_validator(mode="after")
    def _apart(self) -> "AttentionPeopleSection":
        people_apart(self.training_seeds, self.validation_seeds, self.calibration_seeds)
        return self


class AttentionNetworkSection(Section):
    """Widths of the layers. The paper's core has 1,024 units.

    ``backbone``: "compact" is a small face network that is trained; "vgg16" reads 227-pixel faces by a frozen VGG-16
    whose ``weights`` are a file of yours (a torchvision state dict or ``.safetensors``; nothing is downloaded), which
    must have the sha256 ``weights_sha256`` where that is given; "expression", on corpora alone, reads faces of
    people by the frozen network of the shipped bundle ``face``.
    """

    image_size: Annotated[int, Field(ge=8, multiple_of=4)] = 16
    face_features: Count = 16
    band_features: Count = 16
    glimpse: Count = 24
    layer1: Count = 40
    core: Count = 80
    backbone: Literal["compact", "vgg16", "expression"] = "compact"
    weights: Path | None = None
    weights_sha256: Annotated[str, Field(pattern="^([0-9a-fA-F]{64})?$")] = ""

    @model_validator(mode="after")
    def _weights_of_vgg16(self) -> "AttentionNetworkSection":
        if self.backbone == "vgg16" and self.weights is None:
            raise ValueError("backbone 'vgg16' needs weights: the file of torchvision's vgg16 (nothing is downloaded)")
        if self.backbone != "vgg16" and (self.weights is not None or self.weights_sha256):
            raise ValueError(f"weights are those of backbone 'vgg16'; '{self.backbone}' needs none: leave them out")
        return self


class HeldOutSection(Section):
    """Shares of a corpus's people to validate on and to calibrate probabilities on; at least one person each."""

    validation: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.2
    calibration: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.2


class EarlyStoppingSection(Section):
    """Early stopping of the band network and of the core (teacher, student, and the core on its own looks).

    A ``people`` share of those to train on is held out, and nothing is fitted on them. Their loss under the averaged
    weights is looked at every ``every`` batches; a stage ends after ``patience`` looks in a row that do not lower it,
    and the weights of the lowest are kept. ``on``: "corpora", "always", or "never" (all batches; so was the bundle made
    that ships, which is why simulated people are left alone by default). Of fewer than six training people nobody is
    held out.
    """

    on: Literal["corpora", "always", "never"] = "corpora"
    people: Annotated[float, Field(gt=0.0, lt=0.5)] = 0.2
    every: Count = 25
    patience: Count = 6


class AttentionEegSection(Section):
    """Which electrodes are read, and how artifacts are taken out before band power is measured.

    "clip" limits the wavelet coefficients within each window; "soft" subtracts, on the stream, what exceeds a running
    threshold, and is a quarter of a second late. ``electrodes`` names the few of a device (at least four), whose
    average is the reference; the bundle then needs all but one of them, or eight. Empty: every electrode of the data.
    """

    artifact: Literal["clip", "soft"] = "clip"
    electrodes: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _a_montage(self) -> "AttentionEegSection":
        if self.electrodes and len({name.lower() for name in self.electrodes}) < max(4, len(self.electrodes)):
            raise ValueError(
                f"electrodes are {', '.join(self.electrodes)}; four or more different ones are needed, or none for all"
            )
        return self

    @property
    def least_electrodes(self) -> int:
        """The fewest electrodes that a bundle asks for."""
        return min(8, len(self.electrodes) - 1) if self.electrodes else 8


class AttentionFacesSection(Section):
    """What is done to faces that the face network learns from.

    ``under_cap`` is the share of them over which an EEG cap is drawn, for participants who wear one.
    """

    under_cap: Share = 0.0


class TrainAttentionConfig(Section):
    """A training run.

    With ``data``, the folder of a corpus, it is trained on the corpus's people in the place of the simulated ones;
    ``corpus`` names its layout where several fit, and ``labels = "ratings"`` takes the people's own ratings where the
    corpus has other levels (MAHNOB-HCI: those of the keyword). ``on_bad`` is what happens with trials that cannot be
    used, and ``held_out`` says how many people are kept apart; ``early_stopping`` takes more from those that are left.
    ``start`` is the attention bundle, by name or path,
    whose face network and periphery such a training starts from, because no corpus tells what a face expresses at
    which moment.

    ``budget`` is the share of grid frames that may be looked at. ``batch`` clips of ``clip_ticks`` half seconds make a
    batch; ``plain_share`` of them are calibrated and from all electrodes, ``modality_dropout`` go without face and as
    many without EEG, and ``told_share`` are told the onsets of stimuli. ``distillation`` weighs the teacher against the
    labels. ``band_balance`` is the paper's mu. ``horizon_ticks`` is how far the gain of a look is counted.
    ``reward_right`` and ``reward_wrong`` are the paper's lambda_tp and lambda_fp, ``most_looks`` its N_max (a clip),
    and ``spread`` the standard deviation of its Gaussian as a share of the longest wait.
    """

    kind: Literal["attention"] = "attention"
    name: str = "attention"
    seed: int = 0
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    people: AttentionPeopleSection = AttentionPeopleSection()
    data: Path | None = None
    corpus: str | None = None
    labels: Literal["corpus", "ratings"] = "corpus"
    on_bad: Literal["stop", "skip"] = "stop"
    held_out: HeldOutSection = HeldOutSection()
    early_stopping: EarlyStoppingSection = EarlyStoppingSection()
    start: str = "attention"
    network: AttentionNetworkSection = AttentionNetworkSection()
    eeg: AttentionEegSection = AttentionEegSection()
    faces: AttentionFacesSection = AttentionFacesSection()
    policy: Literal["hazard", "gaussian", "uniform", "random", "every"] = "hazard"
    budget: Annotated[float, Field(gt=0.0, le=1.0)] = 0.05
    batch: Count = 96
    clip_ticks: Annotated[int, Field(ge=16)] = 100
    plain_share: Share = 0.7
    modality_dropout: Share = 0.12
    told_share: Share = 0.3
    distillation: Share = 0.5
    dropout: Share = 0.2
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.05
    band_balance: Annotated[float, Field(ge=0.0)] = 0.02
    expression: StageSection = StageSection(batches=1500, learning_rate=2e-3)
    bands: StageSection = StageSection(batches=800, learning_rate=2e-3)
    teacher: StageSection = StageSection(batches=700, learning_rate=4e-3)
    student: StageSection = StageSection(batches=500, learning_rate=2e-3)
    thumbnail: StageSection = StageSection(batches=1200, learning_rate=2e-3)
    periphery: StageSection = StageSection(batches=800, learning_rate=5e-3)
    gains: StageSection = StageSection(batches=600, learning_rate=2e-3)
    reinforce: StageSection = StageSection(batches=100, learning_rate=3e-4)
    own: StageSection = StageSection(batches=150, learning_rate=1e-3)
    horizon_ticks: Count = 32
    reward_right: float = 1.0
    reward_wrong: Annotated[float, Field(le=0.0)] = -3.0
    most_looks: Count = 30
    spread: Positive = 0.1
    coverage: Share = 0.8

    @model_validator(mode="after")
    def _of_a_corpus(self) -> "TrainAttentionConfig":
        if self.data is None and self.corpus is not None:
            raise ValueError(f"corpus is '{self.corpus}' and no folder is given; add data=FOLDER")
        if self.data is not None and self.network.backbone == "vgg16":
            raise ValueError("backbone 'vgg16' is trained on simulated people alone; leave it out with data=FOLDER")
        if self.data is None and self.network.backbone == "expression":
            raise ValueError(
                "backbone 'expression' reads photographed faces; simulated ones are drawn: give data=FOLDER"
            )
        if self.faces.under_cap and self.network.backbone != "compact":
            raise ValueError(
                f"faces.under_cap changes faces that '{self.network.backbone}' has embedded already; leave it out"
            )
        return self
