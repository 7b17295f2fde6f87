"""The model card of a video-EEG bundle."""

from collections.abc import Mapping
from pathlib import Path

from ....configs.schema.train_video_eeg import TrainVideoEegConfig
from ....models.contract import EegInput, ModelSpec
from ...evaluation.metrics import bootstrap_mean
from .scores import Judged

_NAMES = {
    "full": "EEG and face, learned policy",
    "no_eeg": "without EEG",
    "no_face": "without face",
    "uniform": "uniform policy, same budget",
    "random": "random policy, same budget",
    "uncalibrated": "without rest calibration",
}


def write_card(
    path: Path,
    spec: ModelSpec,
    sha256: str,
    judged: Mapping[str, Judged],
    parameters: int,
    config: TrainVideoEegConfig,
) -> None:
    """Write the card beside the bundle."""
    people, eeg = config.people, spec.input(EegInput)
    lines = [
        f"# Model card: `{path.stem}.safetensors`",
        "",
        "**Demonstration model, not valid for people.** Trained on simulated participants alone; whatever it says of a",
        "real person is a demonstration of the machinery.",
        "",
        "## What it is",
        "Felt valence and arousal (low, medium, high each) from EEG and face video, one look at a time: three scalp images",
        "(theta, alpha, beta) under band attention and a grey face crop go through one shared LSTM each into a core LSTM,",
        "whose Gaussian policy says how long to wait until the next look. After Liu, Su, Wei and Liu (2020); where it",
        "differs is written in `models/networks/video_eeg.py`.",
        "",
        f"- {parameters:,} parameters; core {spec.network['core']} units, layer 1 {spec.network['layer1']}, scalp images of",
        f"  {spec.network['image_size']} pixels, faces of {spec.network['face_size']} pixels, a small convolutional network for the face",
        "  instead of VGG-16 (trained on posed expressions of simulated people, then fixed)",
        f"- sha256 `{sha256}`",
        f"- needs at least {eeg.min_scalp_channels if eeg else 0} scalp electrodes with 10-20 names; average reference; "
        "a camera that shows one face",
        "",
        "## Training",
        f"`moodring train configs/train_video_eeg.toml`, seed {spec.seed}. {spec.protocol}. Data: {', '.join(spec.data_hashes)}.",
        "Stages: posed expressions; averaged scalp images; layer 1 on faces and EEG in alternating batches (the paper trains one after the other,",
        "which would overwrite the shared parameters); the core with layer 1 fixed; the policy by REINFORCE with a price of",
        f"a look that follows a budget of {config.budget:.0%} of the grid frames. Temperature and conformal thresholds from",
        f"the {len(people.calibration_seeds)} calibration people ({config.coverage:.0%} nominal coverage).",
        "",
        "## Figures on validation people",
        f"{len(people.validation_seeds)} simulated people ({people.seconds:g} s each) that were not trained on; decisions every half second after",
        "rest; unweighted average recall, mean over people with a bootstrap interval over people. Chance is 0.333.",
        "These people were watched while the model was made; the final test is `moodring evaluate` on others.",
        "",
        "| condition | UAR valence | UAR arousal | glimpsed |",
        "|---|---|---|---|",
    ]  # fmt: skip
    lines += [f"| {_NAMES.get(name, name)} | {_row(result)} |" for name, result in judged.items()]
    lines += [
        "",
        "## Limits",
        "- Simulated people, faces and EEG; stimuli are shared between the people, as in the corpora it imitates.",
        "- The EEG is normalised to the person's rest. Without a rest the session is marked uncalibrated, and recalls fall.",
        "- Trained on 32 electrodes and random parts of them; few electrodes cost accuracy.",
        "- Facial muscles reach the EEG: its contribution is not all brain.",
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _row(result: Judged) -> str:
    cells = []
    for axis in range(2):
        over_people = bootstrap_mean(result.uar[:, axis].tolist(), seed=0)
        cells.append(f"{over_people.value:.3f} ({over_people.low:.3f}-{over_people.high:.3f})")
    return " | ".join([*cells, f"{result.glimpsed.mean():.3f}"])
