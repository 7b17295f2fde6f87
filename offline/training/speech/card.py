"""The card of a speech network: what it was trained on, and how well it does on people it was not trained on."""

from pathlib import Path

import numpy as np

from ....models.contract import ModelSpec
from ...evaluation.markdown import markdown_table
from ..common.card import DEMONSTRATION, CardSection, bullets, write_card
from .scores import SpeechScores, recalls


def write_speech_card(path: Path, spec: ModelSpec, scores: SpeechScores, n_training: int, epoch: int) -> None:
    """Write the card of a speech network; raise MoodringError where the file cannot be written."""
    sections = (
        CardSection("", (DEMONSTRATION, bullets(_facts(spec, n_training, epoch)))),
        CardSection("On the test people", _scores(spec, scores)),
    )
    write_card(path, "Speech model, simulated people", sections)


def _facts(spec: ModelSpec, n_training: int, epoch: int) -> tuple[str, ...]:
    head = spec.head("speech")
    sizes = "; ".join(f"{key} {value}" for key, value in spec.network.items())
    return (
        f"Decodes: {', '.join(head.classes)}, *{head.construct}* in the voice. Labels: {spec.label_source}.",
        f"Network: four convolution blocks per second of speech, LSTM from second to second, softmax; {sizes}.",
        "Input: 16 kHz mono; voice activity by silero-vad; segments of 16,000 samples divided by the running RMS of "
        "the "
        "utterance.",
        f"Training: SGD with Nesterov momentum, early stopping (best epoch: {epoch}), {n_training} utterances, classes "
        f"weighing the same, guided by the valence and arousal that the simulated voice expresses. Seed {spec.seed}.",
        f"Protocol: {spec.protocol}.",
        f"Simulation's parameters, SHA-256: {', '.join(spec.data_hashes)}.",
    )


def _scores(spec: ModelSpec, scores: SpeechScores) -> tuple[str, ...]:
    whole, parts, detection = scores.utterances, scores.segments, scores.voice_activity
    classes = spec.head("speech").classes
    by_class = zip(classes, whole.class_counts, recalls(whole.confusion), recalls(parts.confusion), strict=True)
    return (
        "Interval: 95 %, jackknife t over people. Majority: UAR of always saying the most frequent class. Chance: UAR "
        "with "
        "the truth shifted in time within each person, mean and 95th percentile.",
        markdown_table(
            ("per", "n", "UAR", "accuracy", "macro-F1", "majority", "chance"),
            [
                (what, one.n, one.uar, f"{one.accuracy:.2f}", f"{one.macro_f1:.2f}", f"{one.majority_uar:.2f}",
                 f"{one.permutation.mean:.2f} ({one.permutation.high:.2f})")
                for what, one in (("utterance", whole), ("segment", parts))
            ],
        ),
        markdown_table(
            ("class", "utterances", "recall per utterance", "recall per segment"),
            [(name, count, f"{a:.2f}", f"{b:.2f}") for name, count, a, b in by_class],
        ),
        markdown_table(
            ("person (seed)", "UAR per utterance", "UAR per segment"),
            [(person, f"{a:.2f}", f"{b:.2f}") for person, a, b in scores.by_person],
        ),
        "By person, UAR is over the classes that the person showed.",
        f"Negative log-likelihood per segment, every class weighing the same: {scores.loss:.3f} (uninformed: "
        f"{np.log(len(classes)):.3f}) at temperature {scores.temperature:.2f}. The probabilities suppose that all "
        "classes "
        "are equally frequent.",
        f"Voice activity: {detection.recall:.3f} of the spoken time taken for speech, {detection.false_alarm:.3f} of "
        "the "
        "silent time (short pauses within an utterance and its padding included); "
        f"{detection.missed} utterances missed, {detection.false} found where nobody spoke.",
    )  # fmt: skip
