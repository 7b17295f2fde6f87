"""Estimates as a table: a row a decision, on the time axis of the EEG file."""

from collections.abc import Sequence
from typing import Any

from ...models.contract import Estimate, HeadOutput
from .time_axis import TimeAxis

_BANDS = ("theta", "alpha", "beta")
_FIXED: dict[str, Any] = {
    "time_s": {"Description": "Data time of the decision: seconds from the first sample of the EEG file", "Units": "s"},
    "session_time_s": {"Description": "Data time from the session's start (t0)", "Units": "s"},
    "clock_time_s": {"Description": "Data time on the clock of Lab Streaming Layer", "Units": "s"},
    "published_s": {"Description": "When the estimate was out, on the axis of time_s", "Units": "s"},
    "latency_ms": {"Description": "Compute latency: newest sample used to the estimate published", "Units": "ms"},
    "used": {"Description": "Modalities that the decision rests on, joined by +"},
    "calibrated": {"Description": "1 where enough rest was recorded to normalise the signals to this person"},
    "looks": {"Description": "Camera frames looked at since the decision before"},
    "speaking": {"Description": "1 while somebody speaks who is taken for the participant; empty without a microphone"},
    "degraded": {"Description": "Why felt emotion deserves less trust than usual; empty where it does not"},
    "notices": {"Description": "What must be said of the models, joined by |"},
}


def estimate_columns(estimates: Sequence[Estimate]) -> dict[str, Any]:
    """Return the columns of the table, each with its description."""
    heads = _heads(estimates)
    columns: dict[str, Any] = dict(_FIXED)
    for head in heads:
        columns |= _head_columns(head)
    modalities = sorted({name for one in estimates for name in one.ages_s})
    for name in modalities:
        text = f"Information age: how old what {name} says is when the estimate is out"
        columns[f"age_{name}_s"] = {"Description": text, "Units": "s"}
    if any(one.band_attention is not None for one in estimates):
        for band in _BANDS:
            columns[f"attention_{band}"] = {"Description": f"Weight of {band} in the newest half second of EEG, sum 1"}
    return columns


def estimate_rows(estimates: Sequence[Estimate], axis: TimeAxis) -> list[dict[str, Any]]:
    """Return a row a decision."""
    return [_row(one, axis) for one in estimates]


def _heads(estimates: Sequence[Estimate]) -> list[HeadOutput]:
    found: dict[str, HeadOutput] = {}
    for estimate in estimates:
        for head in estimate.heads:
            if head.name not in found or (head.classes and not found[head.name].classes):
                found[head.name] = head
    return list(found.values())


def _head_columns(head: HeadOutput) -> dict[str, Any]:
    what = f"'{head.name}' ({head.construct})"
    if not head.classes:
        return {
            head.name: {"Description": f"Value of {what}; empty where it abstains"},
            f"{head.name}_abstained": {"Description": f"Why {what} has no answer; empty where it has one"},
        }
    return {
        head.name: {"Description": f"Most probable class of {what}; empty where it abstains"},
        **{
            f"{head.name}_{name}": {"Description": f"Probability that {what} is '{name}'; empty where it abstains"}
            for name in head.classes
        },
        f"{head.name}_kept": {"Description": f"Classes of {what} that cannot be excluded, joined by |"},
        f"{head.name}_abstained": {"Description": f"Why {what} has no answer, or keeps every class"},
    }


def _row(one: Estimate, axis: TimeAxis) -> dict[str, Any]:
    ledger, hearing = one.ledger, one.hearing
    row: dict[str, Any] = {
        "time_s": axis.at(one.time_s),
        "session_time_s": one.session_time_s,
        "clock_time_s": one.time_s,
        "published_s": axis.at(ledger.published_s),
        "latency_ms": 1000.0 * (ledger.published_s - ledger.received_s),
        "used": "+".join(one.used),
        "calibrated": one.calibrated,
        "looks": len(one.looks),
        "speaking": None if hearing is None else hearing.speaking,
        "degraded": one.degraded,
        "notices": "|".join(one.notices),
    }
    for head in one.heads:
        row[head.name] = head.best if head.classes else head.value
        row[f"{head.name}_abstained"] = head.abstained
        if head.classes:
            row[f"{head.name}_kept"] = "|".join(head.classes[index] for index in head.kept)
        for name, probability in zip(head.classes, head.probabilities or (), strict=False):
            row[f"{head.name}_{name}"] = float(probability)
    row |= {f"age_{name}_s": float(age_s) for name, age_s in one.ages_s.items()}
    if one.band_attention is not None:
        row |= {f"attention_{band}": float(w) for band, w in zip(_BANDS, one.band_attention, strict=False)}
    return row
