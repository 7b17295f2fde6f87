"""The card of a pool: its weights, how it was fitted, and its scores on people it was not fitted to."""

from collections.abc import Mapping
from pathlib import Path

from ....configs.schema.train_pooling import TrainPoolingConfig
from ....models.contract import SIMULATED
from ....models.fusion.opinion_pool import SITUATIONS, Situation
from ....models.fusion.pool_file import AXES, Axis, PoolFile
from ...evaluation.intervals import Interval
from ...evaluation.markdown import markdown_table
from ...evaluation.metrics import Scores
from ..common.card import CardSection, bullets, write_card
from .scores import FELT, SELECTIONS, PoolScores

SITUATION_NAMES: dict[Situation, str] = {
    "quiet": "nothing was heard of the voice",
    "after": "the voice was heard, the participant is silent",
    "speaking": "the participant speaks",
    "voice_alone": "nothing but the voice",
}
ScoresByAxis = Mapping[Axis, Mapping[str, PoolScores]]


def write_pool_card(
    path: Path,
    table: PoolFile,
    sha256: str,
    scores: ScoresByAxis,
    losses: Mapping[float, float],
    config: TrainPoolingConfig,
) -> None:
    """Write the card of a pool; raise MoodringError where the file cannot be written."""
    simulated = "**Demonstration, not valid for people.** Fitted on simulated participants alone."
    half_lives = ", ".join(f"{half_life_s:g} s {loss:.4f}" for half_life_s, loss in losses.items())
    sections = (
        CardSection("", (simulated if SIMULATED in table.domain else "",)),
        CardSection("What it is", _description(table, sha256)),
        CardSection(
            "Fit",
            (
                f"`moodring train configs/train_pooling.toml`, on {table.protocol}.",
                "Half-lives of what the voice said, by the negative log likelihood (nats, both axes) of people left "
                "out "
                f"of the fit in turn: {half_lives}.",
                f"Conformal thresholds from the same people ({table.coverage:.0%} nominal coverage).",
            ),
        ),
        CardSection("Figures on people not used in the fit", score_blocks(scores, config)),
    )
    write_card(path, f"Pool card: `{path.stem}.json`", sections)


def _description(table: PoolFile, sha256: str) -> tuple[str, ...]:
    video_eeg, speech = table.video_eeg, table.speech
    return (
        "How much face and EEG (felt) count against the voice (expressed) in one estimate of valence and arousal "
        "beside "
        "both: a logarithmic opinion pool with a weight for each side, axis and situation, and a prior. See "
        "`docs/pooling.md`.",
        bullets(
            (
                f"sha256 `{sha256}`",
                f"holds for `{video_eeg.file}` ({video_eeg.sha256[:12]}) and `{speech.file}` ({speech.sha256[:12]}), "
                "and "
                "no others",
                f"what the voice said fades with a half-life of {table.half_life_s:g} s",
            )
        ),
        markdown_table(
            ("situation", "valence: face and EEG, voice", "arousal: face and EEG, voice"),
            [(SITUATION_NAMES[case], *(_weights(table, axis, case) for axis in AXES)) for case in SITUATIONS],
        ),
        "Exponents; a dash is a side that is absent.",
    )


def score_blocks(scores: ScoresByAxis, config: TrainPoolingConfig) -> tuple[str, ...]:
    """Return the table of scores, with what it rests on, as blocks of Markdown."""
    people = config.people
    rows, gains = [], []
    for name in SELECTIONS:
        both = [scores[axis][name] for axis in AXES]
        for system in both[0].rows:
            cells = [cell for one in both for cell in _cells(one.rows[system])]
            rows.append((f"{name} ({both[0].rows[system].n})", system, *cells))
        parts = [
            f"{axis} UAR {_signed(one.gain_uar)}, NLL {_signed(one.gain_nll)} (sets hold the truth in "
            f"{one.coverage:.0%}, {one.set_size:.2f} levels)"
            for axis, one in zip(AXES, both, strict=True)
        ]
        gains.append(f"{name}: {'; '.join(parts)}")
    counts = "; ".join(f"{axis} {', '.join(map(str, scores[axis]['all'].rows[FELT].class_counts))}" for axis in AXES)
    return (
        f"{len(people.test_seeds)} simulated people (seeds {people.test_seeds[0]}–{people.test_seeds[-1]}), "
        f"{people.seconds:g} s each, a decision every half second after the rest; in brackets 95 % over people. Chance "
        "is a UAR of 0.333.",
        markdown_table(
            ("decisions", "system", "valence UAR", "ECE", "NLL", "arousal UAR", "ECE", "NLL"),
            rows,
        ),
        "What the voice brings (pooled minus face and EEG weighted anew), 95 % over people:",
        bullets(gains),
        f"Decisions per level (low, medium, high): {counts}. Permutation seed {config.seed}; intervals are jackknife t "
        "over people.",
    )


def _weights(table: PoolFile, axis: Axis, case: Situation) -> str:
    found = table.weights[axis][case]
    felt = "–" if case == "voice_alone" else f"{found.felt:.2f}"
    return f"{felt}, {'–' if case == 'quiet' else f'{found.voice:.2f}'}"


def _cells(scores: Scores) -> tuple[str, str, str]:
    interval = scores.uar
    uar = f"**{interval.value:.3f}** [{interval.low:.3f}, {interval.high:.3f}]"
    return uar, f"{scores.ece:.3f}", f"{scores.nll:.3f}"


def _signed(interval: Interval) -> str:
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"
