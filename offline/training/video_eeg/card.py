"""The model card of a video-EEG bundle."""

from collections.abc import Mapping
from pathlib import Path

from ....configs.schema.train_video_eeg import TrainVideoEegConfig
from ....models.contract import EegInput, ModelSpec
from ...evaluation.intervals import mean_over_people
from ...evaluation.markdown import markdown_table
from ..common.card import DEMONSTRATION, CardSection, bullets, write_card
from .scores import RecallByPerson

_NAMES = {
    "full": "EEG and face, learned policy",
    "no_eeg": "without EEG",
    "no_face": "without face",
    "uniform": "uniform policy, same budget",
    "random": "random policy, same budget",
    "uncalibrated": "without rest calibration",
}
_LIMITS = (
    "Simulated people, faces and EEG; stimuli are shared between the people, as in the corpora it imitates.",
    "The EEG is normalised to the person's rest. Without a rest the session is marked uncalibrated, and recalls fall.",
    "Trained on 32 electrodes and random parts of them; few electrodes cost accuracy.",
    "Facial muscles reach the EEG: its contribution is not all brain.",
)


def write_video_eeg_card(
    path: Path,
    spec: ModelSpec,
    sha256: str,
    recalls: Mapping[str, RecallByPerson],
    parameters: int,
    config: TrainVideoEegConfig,
) -> None:
    """Write the card of a video-EEG bundle; raise MoodringError where the file cannot be written."""
    sections = (
        CardSection("", (DEMONSTRATION,)),
        CardSection("What it is", _description(spec, sha256, parameters)),
        CardSection("Training", (_training(spec, config),)),
        CardSection("Figures on validation people", _figures(recalls, config)),
        CardSection("Limits", (bullets(_LIMITS),)),
    )
    write_card(path, f"Model card: `{path.stem}.safetensors`", sections)


def _description(spec: ModelSpec, sha256: str, parameters: int) -> tuple[str, ...]:
    eeg, sizes = spec.input(EegInput), spec.network
    return (
        "Felt valence and arousal (low, medium, high each) from EEG and face video, one glimpse at a time: three scalp "
        "images (theta, alpha, beta) under band attention and a grey face crop go through one shared LSTM each into a "
        "core LSTM, whose Gaussian policy says how long to wait until the next glimpse. After Liu, Su, Wei and Liu "
        "(2020); where it differs is written in `models/networks/video_eeg.py`.",
        bullets(
            (
                f"{parameters:,} parameters; core {sizes['core']} units, layer 1 {sizes['layer1']}, scalp images of "
                f"{sizes['image_size']} pixels, faces of {sizes['face_size']} pixels, a small convolutional network "
                "for "
                "the face instead of VGG-16 (trained on posed expressions of simulated people, then fixed)",
                f"sha256 `{sha256}`",
                f"needs at least {eeg.min_scalp_channels if eeg else 0} scalp electrodes with 10-20 names; average "
                "reference; a camera that shows one face",
            )
        ),
    )


def _training(spec: ModelSpec, config: TrainVideoEegConfig) -> str:
    return (
        f"`moodring train configs/train_video_eeg.toml`, seed {spec.seed}. {spec.protocol}. Data: "
        f"{', '.join(spec.data_hashes)}. Stages: posed expressions; averaged scalp images; layer 1 on faces and EEG in "
        "alternating batches (the paper trains one after the other, which would overwrite the shared parameters); the "
        "core with layer 1 fixed; the policy by REINFORCE with a cost of a glimpse that follows a budget of "
        f"{config.budget:.0%} of the grid frames. Temperature and conformal thresholds from the "
        f"{len(config.people.calibration_seeds)} calibration people ({config.coverage:.0%} nominal coverage)."
    )


def _figures(recalls: Mapping[str, RecallByPerson], config: TrainVideoEegConfig) -> tuple[str, ...]:
    people = config.people
    return (
        f"{len(people.validation_seeds)} simulated people ({people.seconds:g} s each) that were not trained on; "
        "decisions every half second after rest; unweighted average recall, mean over people with a t interval "
        "over people. Chance is 0.333. These people were watched while the model was made; the final test is "
        "`moodring evaluate` on others.",
        markdown_table(
            ("condition", "UAR valence", "UAR arousal", "glimpsed"),
            [
                (_NAMES[name], _mean(recall, 0), _mean(recall, 1), f"{recall.glimpsed.mean():.3f}")
                for name, recall in recalls.items()
            ],
        ),
    )


def _mean(recall: RecallByPerson, axis: int) -> str:
    over_people = mean_over_people(recall.uar[:, axis])
    return f"{over_people.value:.3f} ({over_people.low:.3f}-{over_people.high:.3f})"
