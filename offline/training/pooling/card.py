"""How good a pool is on people it was not fitted on, and the card that says so."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ....configs.schema.train_pooling import TrainPoolingConfig
from ....models.fusion.opinion_pool import SITUATIONS, Situation
from ....models.fusion.pool_file import AXES, Axis, PoolFile
from ...evaluation.metrics import Array, IntArray, Interval, Scores, bootstrap, conformal_sets, nll, score, uar
from .fit import Fitted, pool_person
from .people import Evidence

FELT, REWEIGHED, TABLE, VOICE, POOLED = (
    "face and EEG, as they are",
    "face and EEG, weighted anew",
    "voice, by the places of its categories",
    "voice, weighted",
    "pooled",
)
SITUATION_NAMES: dict[Situation, str] = {
    "quiet": "nothing was heard of the voice",
    "after": "the voice was heard, the participant is silent",
    "speaking": "the participant speaks",
    "voice_alone": "nothing but the voice",
}


CHOICES = ("all", "while the participant speaks", "in the pauses")


@dataclass(frozen=True)
class Judged:
    """One axis over one choice of decisions.

    Attributes
    ----------
    rows : mapping of system to Scores
    gain_uar, gain_nll : Interval
        Pooled minus face and EEG weighted anew: what the voice brings, with 95 % over people. NLL falls where it helps.
    coverage, set_size : float
        How often the pooled sets hold the truth, and how many levels they hold.
    """

    rows: Mapping[str, Scores]
    gain_uar: Interval
    gain_nll: Interval
    coverage: float
    set_size: float


def judge(people: Sequence[Evidence], table: PoolFile, fitted: Fitted, axis: int, seed: int) -> Mapping[str, Judged]:
    """Score one axis by the decisions of :data:`CHOICES`.

    Parameters
    ----------
    people : sequence of Evidence
    table : PoolFile
    fitted : mapping of situation to Weights
        Of the axis.
    axis : 0 for valence, 1 for arousal
    seed : int
        Of the bootstrap.
    """
    systems: dict[str, list[Array]] = {
        FELT: [person.felt[:, axis] for person in people],
        REWEIGHED: [pool_person(_mute(person), fitted, axis, table.half_life_s) for person in people],
        TABLE: [person.voice[:, axis] for person in people],
        VOICE: [pool_person(_unseen(person), fitted, axis, table.half_life_s) for person in people],
        POOLED: [pool_person(person, fitted, axis, table.half_life_s) for person in people],
    }
    said = {name: np.concatenate(rows) for name, rows in systems.items()}
    limits = np.concatenate([[fitted[case].threshold if case else 0.0 for case in one.situations] for one in people])
    truth = np.concatenate([person.truth[:, axis] for person in people])
    groups = np.repeat(np.arange(len(people)), [len(person.truth) for person in people])
    speaks = np.concatenate([person.speaks for person in people])
    known = np.all([np.isfinite(rows[:, 0]) for rows in said.values()], axis=0)
    chosen = dict(zip(CHOICES, (known, known & speaks, known & ~speaks), strict=True))
    return {name: _judge(truth, said, groups, limits, kept, seed) for name, kept in chosen.items()}


def write_card(
    path: Path,
    table: PoolFile,
    sha256: str,
    judged: Mapping[Axis, Mapping[str, Judged]],
    losses: Mapping[float, float],
    config: TrainPoolingConfig,
) -> None:
    """Write the card beside the pool."""
    lines = [
        f"# Pool card: `{path.stem}.json`",
        "",
        "**Demonstration, not valid for people.** Fitted on simulated participants alone." if "simulated" in table.domain else "",
        "",
        "## What it is",
        "How much face and EEG (felt) count against the voice (expressed) in one estimate of valence and arousal beside both:",
        "a logarithmic opinion pool with a weight for each side, axis and situation, and a prior. See `docs/pooling.md`.",
        "",
        f"- sha256 `{sha256}`",
        f"- holds for `{table.video_eeg.file}` ({table.video_eeg.sha256[:12]}) and `{table.speech.file}` ({table.speech.sha256[:12]}), and no others",
        f"- what the voice said fades with a half-life of {table.half_life_s:g} s",
        "",
        "| situation | valence: face and EEG, voice | arousal: face and EEG, voice |",
        "|---|---|---|",
        *(f"| {SITUATION_NAMES[case]} | " + " | ".join(_weights(table, axis, case) for axis in AXES) + " |" for case in SITUATIONS),
        "",
        "Exponents; a dash is a side that is absent.",
        "",
        "## Fit",
        f"`moodring train configs/train_pooling.toml`, on {table.protocol}.",
        "Half-lives of what the voice said, by the negative log likelihood (nats, both axes) of people left out of the fit in turn: "
        + ", ".join(f"{half_life_s:g} s {loss:.4f}" for half_life_s, loss in losses.items()) + ".",
        f"Conformal thresholds from the same people ({table.coverage:.0%} nominal coverage).",
        "",
        "## Figures on people not used in the fit",
        *figures(judged, config),
    ]  # fmt: skip
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def figures(judged: Mapping[Axis, Mapping[str, Judged]], config: TrainPoolingConfig) -> list[str]:
    """Draw the table of figures, with what it rests on below it."""
    people = config.people
    lines = [
        f"{len(people.test_seeds)} simulated people (seeds {people.test_seeds[0]}–{people.test_seeds[-1]}), {people.seconds:g} s each, a decision "
        "every half second after the rest; in brackets 95 % over people. Chance is a UAR of 0.333.",
        "",
        "| decisions | system | valence UAR | ECE | NLL | arousal UAR | ECE | NLL |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for name in CHOICES:
        both = [judged[axis][name] for axis in AXES]
        for system in both[0].rows:
            cells = [_cells(one.rows[system]) for one in both]
            lines.append(f"| {name} ({both[0].rows[system].n}) | {system} | {' | '.join(cells)} |")
    lines += ["", "What the voice brings (pooled minus face and EEG weighted anew), 95 % over people:", ""]
    for name in CHOICES:
        parts = []
        for axis in AXES:
            one = judged[axis][name]
            parts.append(
                f"{axis} UAR {_signed(one.gain_uar)}, NLL {_signed(one.gain_nll)} (sets hold the truth in "
                f"{one.coverage:.0%}, {one.set_size:.2f} levels)"
            )
        lines.append(f"- {name}: {'; '.join(parts)}")
    counts = "; ".join(f"{axis} {', '.join(map(str, judged[axis]['all'].rows[FELT].class_counts))}" for axis in AXES)
    return [*lines, "", f"Decisions per level (low, medium, high): {counts}. Bootstrap seed {config.seed}."]


def _mute(person: Evidence) -> Evidence:
    """Give a person whose voice nobody hears."""
    return replace(
        person, voice=np.full_like(person.voice, np.nan), voice_end_s=np.full_like(person.voice_end_s, np.nan)
    )


def _unseen(person: Evidence) -> Evidence:
    """Give a person of whom only the voice is there."""
    return replace(person, felt=np.full_like(person.felt, np.nan))


def _judge(
    truth: IntArray, said: Mapping[str, Array], groups: IntArray, limits: Array, kept: np.ndarray, seed: int
) -> Judged:
    right, names = truth[kept], [str(group) for group in groups[kept]]
    rows = {name: score(right, probabilities[kept], names, seed) for name, probabilities in said.items()}
    ours, control = said[POOLED][kept], said[REWEIGHED][kept]

    best, control_best = ours.argmax(axis=1), control.argmax(axis=1)

    def gain_uar(index: IntArray) -> float:
        return uar(right[index], best[index]) - uar(right[index], control_best[index])

    def gain_nll(index: IntArray) -> float:
        return nll(right[index], ours[index]) - nll(right[index], control[index])

    sets = np.stack([conformal_sets(row[None], limit)[0] for row, limit in zip(ours, limits[kept], strict=True)])
    return Judged(
        rows,
        bootstrap(gain_uar, names, seed),
        bootstrap(gain_nll, names, seed),
        float(sets[np.arange(len(right)), right].mean()),
        float(sets.sum(axis=1).mean()),
    )


def _weights(table: PoolFile, axis: Axis, case: Situation) -> str:
    found = table.weights[axis][case]
    felt = "–" if case == "voice_alone" else f"{found.felt:.2f}"
    return f"{felt}, {'–' if case == 'quiet' else f'{found.voice:.2f}'}"


def _cells(scores: Scores) -> str:
    interval = scores.uar
    return f"**{interval.value:.3f}** [{interval.low:.3f}, {interval.high:.3f}] | {scores.ece:.3f} | {scores.nll:.3f}"


def _signed(interval: Interval) -> str:
    return f"{interval.value:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"
