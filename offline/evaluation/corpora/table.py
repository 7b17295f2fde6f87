"""Tables in Markdown of an evaluation on corpora, from the values of its JSON; a leaky protocol is marked in each."""

from collections.abc import Mapping, Sequence
from typing import Any

from ..markdown import markdown_table
from ..stimulus_found import found_table

Values = Mapping[str, Any]

NAMES = {
    "full": "full model",
    "no_face": "without face",
    "no_eeg": "without EEG",
    "lda": "LDA on log band power, mean over the stimulus so far (told when stimuli begin)",
    "lda_window": "the same on the last second alone (told nothing)",
    "lda_posterior": "LDA so far without frontal and temporal electrodes",
    "muscles_and_eyes": "LDA so far on muscles and eyes alone (30-45 Hz over the temples, 1-4 Hz over the forehead)",
    "stimulus": "the stimulus alone: what other people said of it",
    "majority": "always the most frequent level of the training trials",
    "permutation": "the full model's answers beside shifted truth [95 % of draws]",
}
UNIT_NAMES = {
    "decision": "every half second",
    "stimulus": "whole trials",
    "expression_free": "every half second, no expression in the 2 s before",
}


def table(values: Values) -> str:
    """Return the tables of every protocol, the headline first."""
    parts = []
    for one in values["protocols"]:
        parts += _of_protocol(values, one)
    return "\n\n".join(parts)


def _of_protocol(values: Values, one: Values) -> list[str]:
    found = {key: [row for row in values[key] if row["protocol"] == one["name"]]
             for key in ("rows", "paired", "coverage", "risk_coverage", "stimulus_found")}  # fmt: skip
    mark = " (leaky)" if one["leaky"] else ""
    axes = list(dict.fromkeys(row["axis"] for row in found["rows"]))
    parts = [f"## {one['name'].replace('_', ' ')}: {one['mark']}"]
    for unit in UNIT_NAMES:
        rows = [row for row in found["rows"] if row["unit"] == unit]
        if any(row.get("n") for row in rows):
            parts.append(_uar_table(rows, axes, f"{UNIT_NAMES[unit]}{mark}", mark))
            paired = [row for row in found["paired"] if row["unit"] == unit]
            parts.append(_paired_table(paired, f"difference in UAR, {UNIT_NAMES[unit]}{mark}", mark))
    parts.append(_coverage_table(found["coverage"], found["risk_coverage"], axes, mark))
    if found["stimulus_found"]:
        parts.append(found_table(found["stimulus_found"], mark))
    parts.append(_foot(values, one, found["rows"]))
    return parts


def _uar_table(rows: Sequence[Values], axes: Sequence[str], what: str, mark: str) -> str:
    header = (what, "frames looked at", *(f"{axis} UAR [95 % over people]" for axis in axes))
    lines = []
    for name in dict.fromkeys(row["name"] for row in rows):
        theirs = {row["axis"]: row for row in rows if row["name"] == name}
        first = next(iter(theirs.values()))
        looked = first["frames_fraction"]
        cells = (_figure(theirs[axis], "uar", ".3f") if axis in theirs else "–" for axis in axes)
        lines.append((NAMES[name] + mark, "–" if looked is None else f"{looked:.1%}", *cells))
    return markdown_table(header, lines)


def _paired_table(rows: Sequence[Values], what: str, mark: str) -> str:
    axes = list(dict.fromkeys(row["axis"] for row in rows))
    lines = []
    for name in dict.fromkeys(row["b"] for row in rows):
        theirs = {row["axis"]: row for row in rows if row["b"] == name}
        cells = (_figure(theirs[axis], "difference", "+.3f") if axis in theirs else "–" for axis in axes)
        lines.append((f"full model − {NAMES[name]}{mark}", *cells))
    return markdown_table((what, *(f"{axis} [95 %]" for axis in axes)), lines)


def _coverage_table(coverage: Sequence[Values], risk: Sequence[Values], axes: Sequence[str], mark: str) -> str:
    shares = risk[0]["coverage"]
    header = (
        f"sets and risk, {' / '.join(axes)}{mark}", "set holds truth", "least of any person", "mean set size",
        "nothing excluded", *(f"wrong among the most confident {share:.0%}" for share in shares), "area",
    )  # fmt: skip
    lines = []
    for name in dict.fromkeys(row["name"] for row in coverage):
        sets = [row for row in coverage if row["name"] == name]
        risks = [row for row in risk if row["name"] == name]
        least = [min(one for one in row["coverage_by_group"] if one is not None) for row in sets]
        lines.append(
            (
                NAMES[name] + mark,
                _all(row["coverage"] for row in sets),
                _all(least),
                _all(row["mean_set_size"] for row in sets),
                _all(row["abstained"] for row in sets),
                *(_all(row["risk"][at] for row in risks) for at in range(len(shares))),
                _all(row["aurc"] for row in risks),
            )
        )
    return markdown_table(header, lines)


def _foot(values: Values, one: Values, rows: Sequence[Values]) -> str:
    full = [row for row in rows if row["name"] == "full" and row["unit"] == "decision"]
    counts = "; ".join(f"{row['axis']} {', '.join(map(str, row['class_counts']))}" for row in full)
    chance = "; ".join(f"{row['axis']} p = {row['p_value']:.3f}" for row in rows
                       if row["name"] == "permutation" and row["unit"] == "decision")  # fmt: skip
    notes = "".join(f" {note[0].upper()}{note[1:]}." for note in one["notes"])
    free = any(row["unit"] == "expression_free" for row in rows)
    read = "; expressions as each fold's face network reads them" if free else ""
    counted = f"{len(one['groups'])} people, {one['trials']} trials, {one['n']} decisions, {one['folds']} training(s)"
    return (
        f"{', '.join(values['domain'])}: {one['description']}. {counted}; per class (low, medium, high): {counts}; "
        f"permutation {chance}. Mean over people of each one's UAR with a t interval over people{read}.{notes} "
        f"Training seed {', '.join(map(str, values['seeds']))}, split seed "
        f"{values['split_seed']}; {values['wall_s']:.0f} s in all."
    )


def _figure(row: Values, key: str, how: str) -> str:
    if row[key] is None:
        return "–"
    ends = "" if row["low"] is None else f" [{row['low']:{how}}, {row['high']:{how}}]"
    return f"{row[key]:{how}}{ends}"


def _all(values: Any) -> str:
    return " / ".join("–" if value is None else f"{value:.2f}" for value in values)
