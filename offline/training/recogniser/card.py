"""The card of a speech recogniser: what it was trained on, its scores on held-out speakers, its limits."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....configs.schema.train_recogniser import TrainRecogniserConfig
from ....models.contract import ModelSpec
from ....models.decoders.recogniser import ADAPTED_TEMPERATURE
from ...evaluation.markdown import markdown_table
from ...evaluation.metrics import Scores
from ..common.card import CardSection, bullets, write_card

_LIMITS = (
    "Acted emotion, spoken once on demand in a quiet studio, in one language, by few people: **not** how people sound "
    "who feel something. On other voices, languages, microphones and rooms it is much worse, and still too "
    "sure.",
    "Anger and happiness are both loud and high, and are taken for each other most; short and noisy speech is worse "
    "(see "
    "above).",
    "It names what a voice sounds like to people who act and label, not what the speaker feels. Do not use it to judge "
    "anybody.",
)


@dataclass(frozen=True)
class HeldOutScores:
    """Scores of held-out items in one task, under one protocol, condition and seed."""

    task: str
    protocol: str
    condition: str
    seed: int
    scores: Scores


def write_recogniser_card(
    path: Path,
    spec: ModelSpec,
    config: TrainRecogniserConfig,
    scores: Sequence[HeldOutScores],
) -> None:
    """Write the card of a recogniser; raise MoodringError where the file cannot be written."""
    first = scores[0].scores
    sections = (
        CardSection("", (bullets(_facts(spec, config, first)),)),
        CardSection("On speakers never trained on", _scores(spec, config, scores)),
        CardSection("Limits", (bullets(_LIMITS),)),
    )
    write_card(path, f"Speech recogniser: {config.domain}", sections)


def _facts(spec: ModelSpec, config: TrainRecogniserConfig, first: Scores) -> Iterator[str]:
    head = spec.head("speech")
    yield f"Decodes: {', '.join(head.classes)}, as *acted*. Labels: {spec.label_source}."
    yield (f"Trained on: {config.attribution or config.corpus}; {first.n} utterances of {first.n_groups} speakers.")
    yield (
        f"Model: {spec.network['numbers']} numbers that sum up an utterance so far (pitch, spectrum and its shape, "
        "resonances, voice quality, rhythm, modulation), a linear model by ridge regression; no network, no weights "
        "from "
        "elsewhere."
    )
    yield f"Trained with copies of each utterance: {', '.join(config.copies)}. Every class weighs the same."
    if config.sex_weight:
        yield (
            f"Voices of one sex teach each other {1 + config.sex_weight:g} times as much as their numbers say, of both "
            f"{1 - config.sex_weight:g} times; which sex a voice has, the model finds out by itself from the same "
            "numbers."
        )
    yield (
        "Input: 16 kHz mono; voice activity by silero-vad; gain does not matter; an estimate after each second of an "
        "utterance."
    )
    yield (
        f"Probabilities suppose that all classes are equally frequent; temperature {head.temperature:.3f}, fitted on "
        "voices unlike those trained on (of the other sex, in noise, by telephone, only their first second). On other "
        f"speakers of the same corpus {spec.network['temperature_at_home']:.3f} would do: the ECE below is at that."
    )
    if config.adaptation is not None:
        yield (
            "Adapts to a speaker without labels: a second model on numbers relative to what was heard of the speaker "
            "before, with a back-end of t distributions whose class means follow the speaker's scores. Trained on "
            f"simulated histories of the training speakers, {config.adaptation.single_share:.0%} of one emotion only; "
            f"temperature of adapted answers {spec.network[ADAPTED_TEMPERATURE]:.3f}, fitted on the other sex saying "
            "other sentences, with one emotion in turn unknown to the model."
        )
    yield f"Data, SHA-256: {spec.data_hashes[0]}."


def _scores(spec: ModelSpec, config: TrainRecogniserConfig, scores: Sequence[HeldOutScores]) -> tuple[str, ...]:
    classes = spec.head("speech").classes
    confusion = scores[0].scores.confusion
    return (
        "The recipe trained without them; the shipped weights are trained on everybody, and there are no scores of "
        "theirs. Nothing of the tested speakers was used for scaling, weights or temperature. UAR: mean over seeds "
        f"{', '.join(map(str, config.seeds))} [lowest, highest]; in brackets after the first seed's, 95 %, jackknife t "
        "over speakers. An utterance is a file without the silence around it.",
        markdown_table(
            ("task", "protocol", "heard", "UAR", "first seed", "accuracy", "ECE", "majority"), _rows(scores)
        ),
        "Noise is pink; the telephone passes 300 to 3400 Hz with 8-bit mu-law.",
        "Whole utterances, first task and protocol, first seed; rows are the truth:",
        markdown_table(
            ("", *classes, "recall"),
            [
                (name, *row, f"{row[index] / max(row.sum(), 1):.2f}")
                for index, (name, row) in enumerate(zip(classes, confusion, strict=True))
            ],
        ),
    )


def _rows(scores: Sequence[HeldOutScores]) -> Iterator[tuple[str, ...]]:
    """Yield one row for each task, protocol and condition, over the seeds."""
    groups: dict[tuple[str, str, str], list[Scores]] = {}
    for one in scores:
        groups.setdefault((one.task, one.protocol.partition(", seed")[0], one.condition), []).append(one.scores)
    for names, same in groups.items():
        uars = [scores.uar.value for scores in same]
        yield (
            *names,
            f"**{np.mean(uars):.3f}** [{min(uars):.3f}, {max(uars):.3f}]",
            str(same[0].uar),
            f"{np.mean([one.accuracy for one in same]):.3f}",
            f"{np.mean([one.ece for one in same]):.3f}",
            f"{same[0].majority_uar:.3f}",
        )
