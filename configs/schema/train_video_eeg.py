"""The schema of a training run of the video-EEG model."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .load import Section

Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
# People of final tests: those of published figures, of the next model, and all others that may serve as a check.
TEST_SPANS = ((1001, 1010), (2101, 2140), (3001, 3040))
FIRST_CHECK_SEED = 9000


def people_apart(*groups: tuple[int, ...]) -> None:
    """Refuse simulated people who are in two groups, or in the final test.

    Raises
    ------
    ValueError
        Which seeds.
    """
    seeds = [seed for group in groups for seed in group]
    if len(set(seeds)) < len(seeds):
        twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
        raise ValueError(f"people must stay apart, but seeds {twice} are in two groups")
    tested = sorted({seed for seed in seeds if is_test_seed(seed)})
    if tested:
        spans = ", ".join(f"{first} to {last}" for first, last in TEST_SPANS)
        raise ValueError(
            f"seeds {tested} belong to the final tests ({spans}, and from {FIRST_CHECK_SEED} on); train on others"
        )


def is_test_seed(seed: int) -> bool:
    """Return whether a simulated person belongs to a final test, and so may serve nothing else."""
    return seed >= FIRST_CHECK_SEED or any(first <= seed <= last for first, last in TEST_SPANS)


class SimulatedPeopleSection(Section):
    """Simulated people to train on, to validate on, and to calibrate probabilities on.

    ``posing`` people, the first of them those who are trained on, also pose for the face network.
    Of the training people only every ``stride``-th grid frame is computed, and held until the next.

    Nobody may be in two groups, and the people of final tests (:data:`TEST_SPANS`) in none.
    """

    difficulty: Literal["benchmark", "easy"] = "benchmark"
    seconds: Annotated[float, Field(ge=12.0, le=3600.0)] = 150.0
    stride: Count = 1
    first_seed: Count = 1
    count: Count = 40
    posing: Count = 80
    validation_seeds: tuple[int, ...] = (801, 802, 803, 804, 805, 806, 807, 808)
    calibration_seeds: tuple[int, ...] = (821, 822, 823, 824, 825, 826, 827, 828)
    workers: Annotated[int, Field(ge=1, le=64)] = 2

    @property
    def training_seeds(self) -> tuple[int, ...]:
        """Seeds of the people to train on."""
        return tuple(range(self.first_seed, self.first_seed + self.count))

    @property
    def posing_seeds(self) -> tuple[int, ...]:
        """Seeds of the people who pose for the face network."""
        return tuple(range(self.first_seed, self.first_seed + max(self.count, self.posing)))

    @model_validator(mode="after")
    def _apart(self) -> "SimulatedPeopleSection":
        people_apart(self.posing_seeds, self.validation_seeds, self.calibration_seeds)
        return self


class NetworkSection(Section):
    """Widths of the layers. The paper's core has 1,024 units."""

    image_size: Annotated[int, Field(ge=8, multiple_of=4)] = 16
    face_size: Annotated[int, Field(ge=16)] = 48
    face_backbone: Literal["small"] = "small"
    face_features: Count = 16
    band_features: Count = 16
    glimpse: Count = 24
    layer1: Count = 40
    core: Count = 80
    max_wait_frames: Annotated[int, Field(ge=2, le=80)] = 16


class StageSection(Section):
    """One stage: how many batches, and Adam's first step size (it falls to a tenth along a cosine)."""

    batches: Annotated[int, Field(ge=0)]
    learning_rate: Positive = 1e-3


class TrainVideoEegConfig(Section):
    """A training run.

    Each person who poses for the face network does so for ``poses`` pictures.
    ``budget`` is the share of grid frames that may be looked at; ``rollouts`` are drawn of each clip;
    ``reward_right``, ``reward_wrong`` are the paper's lambda_tp, lambda_fp per decision; ``horizon_s`` discounts
    later rewards; ``spread_first``, ``spread_last`` bound the policy's standard deviation (1: the whole
    range of waits); ``band_balance`` is the paper's mu.
    """

    kind: Literal["video_eeg"] = "video_eeg"
    name: str = "video_eeg"
    seed: int = 0
    threads: Annotated[int, Field(ge=1, le=64)] = 1
    people: SimulatedPeopleSection = SimulatedPeopleSection()
    network: NetworkSection = NetworkSection()
    batch: Count = 12
    poses: Count = 40
    dropout: Share = 0.5
    weight_decay: Annotated[float, Field(ge=0.0)] = 0.1
    band_balance: Annotated[float, Field(ge=0.0)] = 0.02
    expression: StageSection = StageSection(batches=1500, learning_rate=2e-3)
    bands: StageSection = StageSection(batches=800, learning_rate=2e-3)
    layer1: StageSection = StageSection(batches=1600, learning_rate=1e-3)
    core: StageSection = StageSection(batches=1000, learning_rate=2e-3)
    reinforce: StageSection = StageSection(batches=600, learning_rate=1e-3)
    budget: Annotated[float, Field(gt=0.0, le=1.0)] = 0.10
    rollouts: Annotated[int, Field(ge=2)] = 6
    reward_right: float = 1.0
    reward_wrong: Annotated[float, Field(le=0.0)] = -1.0
    horizon_s: Positive = 6.0
    spread_first: Positive = 0.25
    spread_last: Positive = 0.08
    coverage: Share = 0.8
