"""Tables in Markdown of an evaluation on simulated people, from the values of its JSON."""

from collections.abc import Iterable, Mapping
from typing import Any

from ..markdown import markdown_table
from ..stimulus_found import found_table

Values = Mapping[str, Any]

NAMES = {
    "full": "full model",
    "no_eeg": "without EEG",
    "no_face": "without face",
    "uniform": "uniform looks, same budget",
    "random": "random looks, same budget",
    "every": "looks at every frame",
    "lda": "LDA on band power that sees all EEG, averaged over the stimulus so far (told when stimuli begin)",
    "lda_window": "the same on the last 2 s alone (told nothing)",
    "muscles_and_eyes": (
        "LDA on muscles and eyes alone (30-45 Hz over the temples, 1-4 Hz over the forehead), averaged likewise"
    ),
    "stimulus": "no signal: what other people felt at this moment of this stimulus (told which it is)",
    "majority": "always the same answer",
    "permutation": "the full model's answers beside shifted truth [95 % of draws]",
}
UNIT_NAMES = {
    "decision": "every half second",
    "stimulus": "whole stimuli",
    "expression_free": "every half second, no expression in the 2 s before",
}
_LAG_NAMES = {"eeg_and_face": "EEG and face", "eeg": "EEG alone", "face": "face alone"}


def uar_table(values: Values, unit: str) -> str:
    """Return UAR of both axes with intervals, one line per system."""
    header = (UNIT_NAMES[unit], "frames looked at", "valence UAR [95 % over people]", "arousal UAR [95 %]")
    lines = []
    for name, (valence, arousal) in _by_name(values["rows"], unit).items():
        lines.append((NAMES[name], _share(valence["frames_fraction"]), _figure(valence), _figure(arousal)))
    return markdown_table(header, lines)


def paired_table(values: Values, unit: str) -> str:
    """Return what the first system has more of than each other, person by person."""
    header = (
        f"difference in UAR, {UNIT_NAMES[unit]}", "valence [95 % over people]", "arousal [95 %]", "mean of both [95 %]",
    )  # fmt: skip
    chosen = [row for row in values["paired"] if row["unit"] == unit]
    lines = []
    for name in dict.fromkeys(row["b"] for row in chosen):
        cells = [
            f"{row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]" for row in chosen if row["b"] == name
        ]
        lines.append((f"{NAMES[chosen[0]['a']]} − {NAMES[name]}", *cells))
    return markdown_table(header, lines)


def detail_table(values: Values) -> str:
    """Return the other scores of half-second decisions, with how often the conformal sets hold the truth."""
    header = (
        "every half second", "accuracy v / a", "macro-F1 v / a", "ECE v / a", "Brier v / a", "NLL v / a",
        "set holds truth v / a", "least of any person v / a", "mean set size v / a", "nothing excluded v / a",
    )  # fmt: skip
    held = {(row["name"], row["axis"]): row for row in values["coverage"]}
    lines = []
    for name, pair in _by_name(values["rows"], "decision").items():
        if (name, "valence") not in held:
            continue
        sets = [held[name, row["axis"]] for row in pair]
        lines.append(
            (
                NAMES[name],
                *(_both(pair, key, ".3f") for key in ("accuracy", "macro_f1", "ece", "brier", "nll")),
                _both(sets, "coverage", ".2f"),
                " / ".join(f"{min(row['coverage_by_group']):.2f}" for row in sets),
                _both(sets, "mean_set_size", ".2f"),
                _both(sets, "abstained", ".1%"),
            )
        )
    return markdown_table(header, lines)


def risk_table(values: Values) -> str:
    """Return the share of wrong answers among the most confident decisions."""
    first = values["risk_coverage"][0]
    header = ("wrong among the most confident, v / a", *(f"{share:.0%}" for share in first["coverage"]), "area")
    lines = []
    for name in dict.fromkeys(row["name"] for row in values["risk_coverage"]):
        pair = [row for row in values["risk_coverage"] if row["name"] == name]
        risks = zip(*(row["risk"] for row in pair), strict=True)
        cells = [" / ".join(f"{risk:.3f}" for risk in both) for both in risks]
        lines.append((NAMES[name], *cells, _both(pair, "aurc", ".3f")))
    return markdown_table(header, lines)


def looks_table(values: Values) -> str:
    """Return what the policies do: waits, looks that meet an expression, weights of the bands."""
    header = (
        "looks", "wait in 1/8 s, mean ± sd", "on an expression", "moments with an expression",
        "weights of theta, alpha, beta, mean ± sd",
    )  # fmt: skip
    lines = []
    for one in values["looks"]:
        attention = "–"
        if one["band_attention_mean"] is not None:
            pairs = zip(one["band_attention_mean"], one["band_attention_sd"], strict=True)
            attention = ", ".join(f"{mean:.2f} ± {sd:.2f}" for mean, sd in pairs)
        waits = f"{one['wait_mean']:.2f} ± {one['wait_sd']:.2f}"
        shares = (f"{one['on_expression']:.1%}", f"{one['expression_base_rate']:.1%}")
        lines.append((NAMES[one["name"]], waits, *shares, attention))
    return markdown_table(header, lines)


def controls(values: Values) -> str:
    """Return what else could be read: decisions free of expressions, which stimulus was shown, and the response lag."""
    parts = [uar_table(values, "expression_free")]
    if any(row["unit"] == "expression_free" for row in values["paired"]):
        parts.append(paired_table(values, "expression_free"))
    parts.append(found_table(values["stimulus_found"]))
    if values["lag"] is not None:
        parts.append(lag_table(values["lag"]))
    return "\n\n".join(parts)


def lag_table(lag: Values) -> str:
    """Return the response lag of each condition."""
    header = (
        f"response lag, {lag['people']} people", "steps, followed", "mean over people of their medians [95 %]",
        "of the mean over all steps [95 %]",
    )  # fmt: skip
    lines = []
    for name, shown in _LAG_NAMES.items():
        found, mean = lag[name], lag[name]["mean_curve_s"]
        cells = (_seconds(found, "median_s"), "–" if mean is None else _seconds(mean, "value_s"))
        lines.append((shown, f"{found['steps']}, {found['followed']}", *cells))
    return markdown_table(header, lines)


def table(values: Values) -> str:
    """Return all tables, with what they rest on below."""
    units = [unit for unit in ("decision", "stimulus") if any(row["unit"] == unit for row in values["rows"])]
    parts = [uar_table(values, unit) for unit in units]
    parts += [paired_table(values, unit) for unit in units if values["paired"]]
    parts += [detail_table(values), risk_table(values), looks_table(values)]
    parts += [controls(values)] if "stimulus_found" in values else []
    parts += [findings(values), protocol(values)]
    return "\n\n".join(parts)


def findings(values: Values) -> str:
    """Return in a few sentences what EEG, face and policy bring, and what the looks meet."""
    lines = []
    for name, brings in (
        ("no_eeg", "The EEG"),
        ("no_face", "The face"),
        ("uniform", "The policy, over uniform looks,"),
    ):
        found = [row for row in values["paired"] if row["unit"] == "decision" and row["b"] == name]
        if found:
            told = (f"{row['axis']} {row['difference']:+.3f} [{row['low']:+.3f}, {row['high']:+.3f}]" for row in found)
            lines.append(f"{brings} adds {', '.join(told)} to UAR every half second.")
    if values["looks"]:
        one = values["looks"][0]
        lines.append(
            f"{one['on_expression']:.1%} of the looks meet an expression of at least a quarter of the strongest, as "
            f"{one['expression_base_rate']:.1%} of all moments do; they are {one['wait_mean'] / 8:.1f} ± "
            f"{one['wait_sd'] / 8:.1f} s apart."
        )
    return "\n".join(lines)


def protocol(values: Values) -> str:
    """Return who was decoded, how, and with which bundle."""
    first = next(row for row in values["rows"] if "class_counts" in row)
    pair = _by_name(values["rows"], "decision")[first["name"]]
    counts = "; ".join(f"{row['axis']} {', '.join(map(str, row['class_counts']))}" for row in pair)
    return (
        f"{values['protocol']}. {len(values['groups'])} people, {values['seconds']:g} s each, {values['n']} decisions; "
        f"per class (low, medium, high): {counts}. Difficulty {values['difficulty'][:12]}; bundles "
        f"{', '.join(one[:12] for one in values['bundles'])}; permutation seed {values['permutation_seed']}; "
        f"{values['wall_s']:.0f} s."
    )


def _by_name(rows: Iterable[Values], unit: str) -> dict[str, list[Values]]:
    found: dict[str, list[Values]] = {}
    for row in rows:
        if row["unit"] == unit:
            found.setdefault(row["name"], []).append(row)
    return found


def _figure(row: Values) -> str:
    return f"**{row['uar']:.3f}** [{row['low']:.3f}, {row['high']:.3f}]"


def _seconds(row: Values, key: str) -> str:
    if row[key] is None:
        return "–"
    return f"{row[key]:.1f} s" + ("" if row["low_s"] is None else f" [{row['low_s']:.1f}, {row['high_s']:.1f}]")


def _share(fraction: float | None) -> str:
    return "–" if fraction is None else f"{fraction:.1%}"


def _both(rows: Iterable[Values], key: str, how: str) -> str:
    return " / ".join(format(row[key], how) for row in rows)
