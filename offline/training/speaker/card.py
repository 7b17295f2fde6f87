"""The card of a background of voices: what it was trained on, its verification errors, its limits."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....configs.schema.train_speech import TrainVoicesConfig
from ....models.decoders.speaker import BackgroundSpec
from ....models.signals.speech.speaker_verification import Array
from ...evaluation.intervals import over_groups
from ...evaluation.markdown import markdown_table
from ..common.card import CardSection, bullets, write_card
from .scores import AFTER, RECOMMENDED, CorpusTrials, VerificationTrials, equal_error_rate, margins

_LIMITS = (
    "Eight actors in one studio, acting. Other languages, rooms and microphones: enrol with the microphone and in "
    "the room "
    "of the session.",
    "An enrolment is made to keep other voices out of an estimate, not to prove who somebody is: do not use it for "
    "that.",
)


def write_voices_card(
    path: Path, config: TrainVoicesConfig, spec: BackgroundSpec, tested: Sequence[CorpusTrials]
) -> None:
    """Write the card of a background; raise MoodringError where the file cannot be written."""
    sections = (
        CardSection("", (bullets(_facts(config, spec)),)),
        CardSection(
            "On speakers never trained on",
            (
                f"{tested[0].corpus}: every pair of speakers with a background of the others, at thresholds set on "
                "the others too (each of them left out of a background of the rest): nothing of a judged speaker is in "
                "background or thresholds. Any other corpus: all its speakers "
                "with the shipped background and thresholds, which know nothing of it. Speakers are enrolled with "
                "every other "
                "sentence and tested with the other ones. An utterance counts after its first 1, 2, 3 seconds (only "
                "those "
                "that last so long) and at its end. *EER*: the equal error rate. *Lost*: of what the enrolled person "
                "says. "
                "*Passes*: of what others say, of the same and of the other sex. Brackets: 95 %, jackknife t interval "
                "over enrolled "
                'speakers. "The other voice too": the other speaker is enrolled as somebody who may be heard.',
                error_table(tested),
                "What is lost at an utterance's end, by emotion:",
                emotion_table(tested),
            ),
        ),
        CardSection("Limits", (bullets(_LIMITS),)),
    )
    write_card(path, f"Background of voices: {config.domain}", sections)


def _facts(config: TrainVoicesConfig, spec: BackgroundSpec) -> tuple[str, ...]:
    after = ", ".join(
        f"{value:g} after {name}" for value, name in zip(spec.thresholds, ("1 s", "2 s", "3 s"), strict=True)
    )
    return (
        "Says how people in general sound, so that `moodring enrol` can say how one person does. It decodes nothing by "
        "itself.",
        f"Trained on: {config.attribution or config.corpus}.",
        f"Model: {config.gaussians} Gaussians over 18 cepstral coefficients; a person's own are adapted from them "
        "(Reynolds, Quatieri & Dunn 2000).",
        f"Thresholds, in mean log-likelihood ratio a frame: {after}; so set that {config.false_rejection:.0%} of what "
        f"the speakers that it is trained on say is lost, each left out of the background, enrolled with "
        f"{RECOMMENDED}. On new speakers more is lost: see below.",
        f"Data, SHA-256: {spec.data_sha256}.",
    )


def error_table(tested: Sequence[CorpusTrials]) -> str:
    """Return the table of error rates."""
    rows = []
    for one in tested:
        found, all_margins = one.trials, margins(one.trials, one.thresholds)
        for column, after in enumerate(AFTER):
            own, same = found.own, found.same_sex
            margin = all_margins[:, column]
            passes = np.where(np.isnan(margin), np.nan, margin >= 0.0)
            rates = [equal_error_rate(margin[own], margin[~own & (same == sex)]) for sex in (True, False)]
            lost = _rate(found, 1.0 - passes, own)
            through = [_rate(found, passes, ~own & (same == sex)) for sex in (True, False)]
            what = f"{one.corpus}, {one.condition}" if column == 0 else ""
            rows.append((what, after, *(f"{100 * rate:.1f} %" for rate in rates), lost, *through))
    header = (
        "corpus, enrolled with", "after", "EER same sex", "EER other sex", "lost",
        "passes, same sex", "passes, other sex",
    )  # fmt: skip
    return markdown_table(header, rows)


def emotion_table(tested: Sequence[CorpusTrials]) -> str:
    """Return the table of what is lost of each emotion at an utterance's end."""
    labels = sorted({str(label) for one in tested for label in one.trials.label})
    rows = []
    for one in tested:
        margin = margins(one.trials, one.thresholds)[:, -1]
        lost = np.where(np.isnan(margin), np.nan, margin < 0.0)
        own = one.trials.own
        cells = [_percent(lost[own & (one.trials.label == label)]) for label in labels]
        rows.append((f"{one.corpus}, {one.condition}", *cells))
    return markdown_table(("corpus, enrolled with", *labels), rows)


def _percent(values: Array) -> str:
    known = values[np.isfinite(values)]
    return f"{100 * known.mean():.0f} %" if len(known) else ""


def _rate(found: VerificationTrials, values: Array, where: NDArray[np.bool_]) -> str:
    """Return a mean with its interval over enrolled speakers."""
    there = where & np.isfinite(values)
    if not there.any():
        return ""
    known = values[there]
    rate = over_groups(lambda index: float(known[index].mean()), found.enrolled[there].tolist()).within(0.0, 1.0)
    ends = f" [{100 * rate.low:.0f}, {100 * rate.high:.0f}]" if np.isfinite(rate.low) else ""
    return f"**{100 * rate.value:.1f} %**{ends}"
