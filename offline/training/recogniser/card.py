"""The card of a speech recogniser: what it was trained on, how well it does on speakers never heard, what it is not."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ....configs.schema.errors import MoodringError
from ....configs.schema.train_recogniser import TrainRecogniserConfig
from ....models.contract import ModelSpec
from ...evaluation.metrics import Scores


@dataclass(frozen=True)
class Judged:
    """How well held-out items were told apart in one task, under one protocol, condition and seed."""

    study: str
    protocol: str
    condition: str
    seed: int
    scores: Scores


def write_card(path: Path, spec: ModelSpec, config: TrainRecogniserConfig, judged: Sequence[Judged]) -> None:
    """Write the card.

    Raises
    ------
    MoodringError
        The file cannot be written.
    """
    first = judged[0].scores
    text = f"""# Speech recogniser: {config.domain}

- Decodes: {", ".join(spec.head("speech").classes)}, as *acted*. Labels: {spec.label_source}.
- Trained on: {config.attribution or config.corpus}; {first.n} utterances of {first.n_groups} speakers.
- Model: {spec.network["numbers"]} numbers that sum up an utterance so far (pitch, spectrum and its shape, resonances, voice
  quality, rhythm, modulation), a linear model by ridge regression; no network, no weights from elsewhere.
- Trained with copies of each utterance: {", ".join(config.copies)}. Every class weighs the same.{_sexes(config)}
- Input: 16 kHz mono; voice activity by silero-vad; gain does not matter; an estimate after each second of an utterance.
- Probabilities suppose that all classes are equally frequent; temperature {spec.head("speech").temperature:.3f}.
- Data, SHA-256: {spec.data_hashes[0]}.

## On speakers never trained on

The recipe trained without them; the shipped weights are trained on everybody, and there are no scores of theirs.
Nothing of the tested speakers was used for scaling, weights or temperature. UAR: mean over seeds {_listed(config.seeds)}
[lowest, highest]; in brackets after the first seed's, 95 % bootstrap over speakers. An utterance is a file without the silence
around it.

| task | protocol | heard | UAR | first seed | accuracy | ECE | majority |
|---|---|---|---|---|---|---|---|
{_table(judged)}

Noise is pink; the telephone passes 300 to 3400 Hz with 8-bit mu-law.

Whole utterances, first task and protocol, first seed; rows are the truth:

| | {" | ".join(spec.head("speech").classes)} | recall |
|---|{"---|" * (len(spec.head("speech").classes) + 1)}
{_confusion(spec.head("speech").classes, first)}

## Limits

- Acted emotion, spoken once on demand in a quiet studio, in one language, by few people: **not** how people sound who simulate_latents
  something. On other voices, languages, microphones and rooms it is worse, and its probabilities are too sure.
- Anger and happiness are both loud and high, and are taken for each other most; short and noisy speech is worse (see above).
- It names what a voice sounds like to people who act and label, not what the speaker feels. Do not use it to judge anybody.
"""
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise MoodringError(f"card '{path}' cannot be written: {error.strerror}; choose another place") from error


def _sexes(config: TrainRecogniserConfig) -> str:
    if not config.sex_weight:
        return ""
    return (
        f"\n- Voices of one sex teach each other {1 + config.sex_weight:g} times as much as their numbers say, of both "
        f"{1 - config.sex_weight:g} times;\n  which sex a voice has, the model finds out by itself from the same numbers."
    )


def _table(judged: Sequence[Judged]) -> str:
    rows = []
    for study, protocol, condition in dict.fromkeys((j.study, _plain(j.protocol), j.condition) for j in judged):
        same = [j.scores for j in judged if (j.study, _plain(j.protocol), j.condition) == (study, protocol, condition)]
        uars = [scores.uar.value for scores in same]
        rows.append(
            f"| {study} | {protocol} | {condition} | **{np.mean(uars):.3f}** [{min(uars):.3f}, {max(uars):.3f}] | {same[0].uar} "
            f"| {np.mean([s.accuracy for s in same]):.3f} | {np.mean([s.ece for s in same]):.3f} | {same[0].majority_uar:.3f} |"
        )
    return "\n".join(rows)


def _plain(protocol: str) -> str:
    return protocol.partition(", seed")[0]


def _confusion(classes: Sequence[str], scores: Scores) -> str:
    return "\n".join(
        f"| {name} | {' | '.join(map(str, row))} | {row[index] / max(row.sum(), 1):.2f} |"
        for index, (name, row) in enumerate(zip(classes, scores.confusion, strict=True))
    )


def _listed(values: Iterable[object]) -> str:
    return ", ".join(map(str, values))
