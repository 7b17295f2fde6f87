"""Train the video-EEG model on simulated people, stage by stage, and write its bundle and card."""

import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import platformdirs
import torch
from safetensors.torch import load_file, save
from torch import Tensor

from ....configs.schema.train_video_eeg import TrainVideoEegConfig
from ....models.contract import LEVELS, SIMULATED, EegInput, FaceInput, Head, ModelSpec
from ....models.decoders.video_eeg import Normalisation
from ....models.io.bundle import save_bundle
from ....models.io.files import write_file
from ....models.networks import video_eeg as network
from ....models.networks.video_eeg import AXES, Sizes, VideoEegNet
from ...simulate.difficulty import BENCHMARK, EASY, Difficulty
from ..common.optimization import Report
from . import scores, views
from .bands import train_bands
from .card import write_card
from .expressions import train_face
from .layer1 import train_layer1
from .looks import class_weights
from .prepare import GRID_HZ, PREPARED_VERSION, Prepared, prepare_people
from .reinforce import train_core, train_policy
from .scores import CONDITIONS, Judged

STAGES_VERSION = 1
"""Of what the stages give: raise it whenever a stage, or the network, gives other numbers."""
WINDOW_S = 1.0
MIN_RATE_HZ = 100.0
MIN_SCALP_CHANNELS = 8


@dataclass(frozen=True)
class TrainedVideoEeg:
    """What a training run gives: the file, and how it did on validation people.

    Attributes
    ----------
    path : Path
    sha256 : str
    spec : ModelSpec
    judged : mapping of condition to Judged
    wall_s : float
        Of this run; stages and people found in the cache took no time.
    """

    path: Path
    sha256: str
    spec: ModelSpec
    judged: dict[str, Judged]
    wall_s: float


def train_video_eeg(
    config: TrainVideoEegConfig, out: Path, report: Report, cache: Path | None = None
) -> TrainedVideoEeg:
    """Train as a config says.

    Stages: the face network on posed expressions; the band network on averaged scalp images; layer 1 on faces and EEG in turn; the core with layer 1 fixed; the
    policy by REINFORCE; then the budget, temperatures and conformal thresholds. People that were prepared and stages
    that were finished by the same code and config are taken from the cache.

    Parameters
    ----------
    config : TrainVideoEegConfig
    out : Path
        The bundle; its card is written beside it.
    report : callable
        Takes lines about the progress.
    cache : Path, optional
        A folder; by default the user's cache folder.
    """
    started = time.monotonic()
    torch.set_num_threads(config.threads)
    folder = cache or Path(platformdirs.user_cache_dir("moodring", appauthor=False)) / "training"
    groups = _people(config, folder, report)
    training, validation, calibration = groups
    normal = views.normalisation(training)
    torch.manual_seed(config.seed)
    net = VideoEegNet(_sizes(config))
    stages = _Stages(net, folder, config, report)

    stages.run("expressions", lambda: train_face(
        net.face_net, config.people.posing_seeds, difficulty_of(config), config, report))  # fmt: skip
    net.face_net.requires_grad_(False)
    seen = views.pictures(training, normal, net, views.TRAINING_VIEWS, config.seed, config.people.stride)
    weights = class_weights(seen.levels)
    stages.run("bands", lambda: train_bands(net, seen, weights, config, report))
    stages.run("layer1", lambda: train_layer1(net, seen, weights, config, report))
    bank = views.bank(seen, net)
    held_out = views.bank(views.pictures(validation, normal, net, 2, config.seed), net)
    stages.run("core", lambda: train_core(net, bank, weights, config, report))
    _tell(report, "core", {name: scores.judge(net, held_out, name, 1.0 / config.budget) for name in CONDITIONS[3:5]})
    stages.run("reinforce", lambda: train_policy(net, bank, weights, config, report))
    scores.spend(net, bank, config.budget)

    apart = views.bank(views.pictures(calibration, normal, net, 2, config.seed), net)
    said = scores.answer(net, apart, "full", 1.0 / config.budget)
    mean_wait = round(1.0 / float(said.glimpsed.mean()), 3)
    judged = {name: scores.judge(net, held_out, name, mean_wait) for name in CONDITIONS}
    _tell(report, "final", judged)
    spec = _spec(config, normal, mean_wait, said)
    sha256 = save_bundle(out, spec, _tensors(net, normal))
    trained = TrainedVideoEeg(out, sha256, spec, judged, time.monotonic() - started)
    write_card(out.with_suffix(".md"), spec, sha256, judged, network.parameter_count(net), config)
    report(f"wrote {out} ({out.stat().st_size / 1e6:.2f} MB) in {trained.wall_s:.0f} s")
    return trained


def difficulty_of(config: TrainVideoEegConfig) -> Difficulty:
    """Give the simulation that a config names."""
    return {"benchmark": BENCHMARK, "easy": EASY}[config.people.difficulty]


class _Stages:
    """Runs stages in order; what a finished one left is found again by the code, config and stages before it."""

    def __init__(self, net: VideoEegNet, folder: Path, config: TrainVideoEegConfig, report: Report) -> None:
        self._net, self._folder, self._report = net, folder, report
        self._key = hashlib.sha256()
        for part in (f"v{STAGES_VERSION}", f"v{PREPARED_VERSION}", difficulty_of(config).digest()):
            self._key.update(part.encode())
        values = config.model_dump(mode="json")
        self._settings = {name: values.pop(name) for name in ("expression", "bands", "layer1", "core", "reinforce")}
        self._own = {
            "core": ("band_balance",),
            "reinforce": (
                "budget",
                "rollouts",
                "reward_right",
                "reward_wrong",
                "horizon_s",
                "spread_first",
                "spread_last",
            ),
        }
        late = {name: values.pop(name) for names in self._own.values() for name in names}
        for ignored in ("name", "threads", "coverage"):
            values.pop(ignored)
        self._late = late
        self._key.update(json.dumps(values, sort_keys=True).encode())

    def run(self, name: str, train: Callable[[], None]) -> None:
        """Train a stage, or read what it left."""
        setting = "expression" if name == "expressions" else name
        own = {key: self._late[key] for key in self._own.get(name, ())}
        self._key.update(json.dumps([name, self._settings[setting], own], sort_keys=True).encode())
        path = self._folder / f"stage-{name}-{self._key.hexdigest()[:16]}.safetensors"
        if path.exists():
            self._net.load_state_dict(load_file(path))
            self._report(f"stage {name}: from the cache")
        else:
            started = time.monotonic()
            train()
            write_file(path, save(self._net.state_dict()))
            self._report(f"stage {name}: {time.monotonic() - started:.0f} s")
        self._net.eval()


def _people(
    config: TrainVideoEegConfig, folder: Path, report: Report
) -> tuple[list[Prepared], list[Prepared], list[Prepared]]:
    people = config.people

    def ready(seeds: tuple[int, ...], stride: int) -> list[Prepared]:
        return prepare_people(
            seeds,
            people.seconds,
            difficulty_of(config),
            config.network.face_size,
            WINDOW_S,
            stride,
            folder,
            people.workers,
            report,
        )

    training = ready(people.training_seeds, people.stride)
    held_out = ready(people.validation_seeds + people.calibration_seeds, 1)
    n = len(people.validation_seeds)
    return training, held_out[:n], held_out[n:]


def _sizes(config: TrainVideoEegConfig) -> Sizes:
    return Sizes.of(config.network.model_dump(exclude={"face_backbone"}))


def _tensors(net: VideoEegNet, normal: Normalisation) -> dict[str, Tensor]:
    tensors = {name: tensor.contiguous() for name, tensor in net.state_dict().items()}
    tensors["normalisation.prior"] = torch.from_numpy(normal.prior.at(normal.prior.names)).float()
    tensors["normalisation.scale"] = torch.from_numpy(normal.scale).float()
    return tensors


def _spec(config: TrainVideoEegConfig, normal: Normalisation, mean_wait: float, said: scores.Answers) -> ModelSpec:
    people = config.people
    heated = scores.temperatures(said)
    kept = scores.thresholds(said, heated, config.coverage)
    sizes = asdict(_sizes(config))
    return ModelSpec(
        kind="video_eeg",
        inputs=(
            EegInput(MIN_RATE_HZ, MIN_SCALP_CHANNELS, "average", WINDOW_S, config.network.image_size),
            FaceInput(GRID_HZ, config.network.face_size),
        ),
        outputs=tuple(Head(axis, "felt", LEVELS, None, heated[axis], kept[axis]) for axis in AXES),
        label_source=f"latent valence and arousal of simulated people, {GRID_HZ:g} times a second, cut at -1/3 and 1/3",
        domain=(SIMULATED,),
        protocol=(
            f"people apart: trained on seeds {people.training_seeds[0]}-{people.training_seeds[-1]}, calibrated on "
            f"{people.calibration_seeds}, watched on {people.validation_seeds}; {people.seconds:g} s each; stimuli "
            "shared between people"
        ),
        data_hashes=(f"difficulty {people.difficulty} {difficulty_of(config).digest()}",),
        seed=config.seed,
        network={
            **sizes,
            "face_backbone": config.network.face_backbone,
            "mean_wait_frames": mean_wait,
            "coverage": config.coverage,
            "prior_channels": ",".join(normal.prior.names),
        },
    )


def _tell(report: Report, stage: str, judged: dict[str, Judged]) -> None:
    for name, result in judged.items():
        valence, arousal = result.uar.mean(axis=0)
        report(
            f"{stage}, validation people, {name}: UAR valence {valence:.3f}, arousal {arousal:.3f}, "
            f"glimpsed {result.glimpsed.mean():.3f}"
        )
