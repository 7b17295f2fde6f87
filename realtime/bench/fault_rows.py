"""From what was seen of a fault to a row of the table, and whether everything held that must."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...models.contract import SourceStatus
from .faults import LIVE_WITHIN_S, Fault

LONGEST_PAUSE_S = 1.5
"""Decisions come every half second; a busy machine may hold a screen's question up, never a decision for so long."""


@dataclass(frozen=True)
class Seen:
    """What a screen saw at one moment of the LSL clock.

    Attributes
    ----------
    at_s : float
    decisions, skipped : int
    used : tuple of modalities
    uncertainty : float or None
        Entropy of valence and arousal over their largest, 0 to 1; 1 where nothing is said.
    sources : mapping of modality to SourceStatus
    words : mapping of modality to str
        The line that a screen shows of it.
    """

    at_s: float
    decisions: int
    skipped: int
    used: tuple[str, ...]
    uncertainty: float | None
    sources: Mapping[str, SourceStatus]
    words: Mapping[str, str]


@dataclass(frozen=True)
class Span:
    """When a fault began, when its source had returned, and until when it was watched; LSL clock."""

    begin_s: float
    back_s: float
    end_s: float


@dataclass(frozen=True)
class Row:
    """A row of the table.

    Attributes
    ----------
    fault : str
    shown : str
        The states in turn, and the words of the first.
    lost : str
    noticed_s, live_s, used_s : float or None
        From the beginning to the first sign; from the return to "live", and to the first estimate that uses it again.
    longest_pause_s : float or None
        Between two decisions.
    uncertainty_before, uncertainty_during : float or None
    broken : tuple of str
        What did not hold; empty is good.
    not_run : str
        Why it was left out.
    """

    fault: str
    shown: str = ""
    lost: str = ""
    noticed_s: float | None = None
    live_s: float | None = None
    used_s: float | None = None
    longest_pause_s: float | None = None
    uncertainty_before: float | None = None
    uncertainty_during: float | None = None
    broken: tuple[str, ...] = ()
    not_run: str = ""

    @classmethod
    def left_out(cls, fault: Fault, why: str) -> "Row":
        """Make the row of a fault that could not be run."""
        return cls(fault.name, not_run=why)


def row_of(fault: Fault, span: Span, seen: Sequence[Seen]) -> Row:
    """Judge what was seen of a fault."""
    during = [one for one in seen if span.begin_s <= one.at_s <= span.end_s]
    before = [one for one in seen if span.begin_s - 2.0 <= one.at_s < span.begin_s]
    pause_s = _longest_pause_s(during)
    if fault.modality_input == "screen":
        row = Row(fault.name, "nothing: the engine goes on", "the screen", longest_pause_s=pause_s)
        return _judged(row, fault, during, [])
    modality: str = "speech" if fault.modality_input == "microphone" else fault.modality_input
    states = [(one.at_s, one.sources[modality]) for one in during]
    row = Row(
        fault=fault.name,
        shown=_shown(fault, states, [one.words[modality] for one in during]),
        lost=_lost(modality, before, during),
        noticed_s=_noticed_s(fault, span, states),
        live_s=_live_s(span, states),
        used_s=_used_s(modality, span, during),
        longest_pause_s=pause_s,
        uncertainty_before=_mean([one.uncertainty for one in before]),
        uncertainty_during=_highest([one.uncertainty for one in during if one.at_s < span.back_s]),
    )
    return _judged(row, fault, during, [one.words[modality] for one in during])


def _judged(row: Row, fault: Fault, during: Sequence[Seen], words: Sequence[str]) -> Row:
    broken = []
    if row.longest_pause_s is None or row.longest_pause_s > LONGEST_PAUSE_S:
        broken.append(f"no decision for {row.longest_pause_s} s")
    if fault.notice_s is not None and (row.noticed_s is None or row.noticed_s > fault.notice_s):
        broken.append(f"noticed after {row.noticed_s} s, at most {fault.notice_s} expected")
    if fault.says and not any(re.search(fault.says, line) for line in words):
        broken.append(f"nothing said '{fault.says}'; said: {sorted(set(words))[:6]}")
    if fault.modality_input != "screen" and (row.live_s is None or row.live_s > LIVE_WITHIN_S):
        broken.append(f"live again after {row.live_s} s, at most {LIVE_WITHIN_S} expected")
    if fault.modality_input != "screen":
        broken += _broken_use(row, fault, during)
    return Row(**{**row.__dict__, "broken": tuple(broken)})


def _broken_use(row: Row, fault: Fault, during: Sequence[Seen]) -> list[str]:
    modality: str = "speech" if fault.modality_input == "microphone" else fault.modality_input
    found = []
    if fault.lossless and during[-1].sources[modality].lost_samples > during[0].sources[modality].lost_samples:
        found.append(f"lost {row.lost}, nothing expected")
    if fault.unused and all(modality in one.used for one in during):
        found.append("every estimate claims to use it")
    if row.used_s is None:
        found.append("no estimate used it again")
    return found


def _longest_pause_s(during: Sequence[Seen]) -> float | None:
    changes = [now.at_s for old, now in itertools.pairwise(during) if now.decisions != old.decisions]
    if not changes:
        return None
    edges = [during[0].at_s, *changes, during[-1].at_s]
    return max(late - early for early, late in itertools.pairwise(edges))


def _shown(fault: Fault, states: Sequence[tuple[float, SourceStatus]], words: Sequence[str]) -> str:
    names: list[str] = []
    for _, status in states:
        if not names or names[-1] != status.health:
            names.append(status.health)
    told = next((line.strip() for line in words if fault.says and re.search(fault.says, line)), "")
    return " → ".join(names) + (f": “{told}”" if told else "")


def _lost(modality: str, before: Sequence[Seen], during: Sequence[Seen]) -> str:
    first, last = (before or during)[-1 if before else 0].sources[modality], during[-1].sources[modality]
    samples = last.lost_samples - first.lost_samples + last.figures.skipped_samples - first.figures.skipped_samples
    rate_hz = last.nominal_rate_hz or last.observed_rate_hz or 0.0
    without_s = sum(now.at_s - old.at_s for old, now in itertools.pairwise(during) if modality not in now.used)
    words = (
        f"{samples} samples" + (f" ({samples / rate_hz:.1f} s)" if rate_hz and samples else "")
        if samples
        else "no sample"
    )
    return words + (f"; {without_s:.1f} s of estimates without it" if without_s > 0.3 else "")


def _noticed_s(fault: Fault, span: Span, states: Sequence[tuple[float, SourceStatus]]) -> float | None:
    if not fault.states:
        return None
    return next((at_s - span.begin_s for at_s, status in states if status.health in fault.states), None)


def _live_s(span: Span, states: Sequence[tuple[float, SourceStatus]]) -> float | None:
    """Say how long after the return it was first "live"; None where it never was, or is gone at the end."""
    if not states or states[-1][1].health in ("searching", "stale", "lost"):
        return None
    return next(
        (at_s - span.back_s for at_s, status in states if at_s >= span.back_s and status.health == "live"), None
    )


def _used_s(modality: str, span: Span, during: Sequence[Seen]) -> float | None:
    after = [one for one in during if one.at_s >= span.back_s]
    if not after or modality not in after[-1].used:
        return None
    without = [one.at_s for one in after if modality not in one.used]
    return max(0.0, without[-1] - span.back_s) if without else 0.0


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _highest(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return max(known) if known else None


def table(rows: Sequence[Row]) -> str:
    """Write the rows as a table of Markdown."""
    lines = [
        "| fault | what was shown | what was lost | until noticed | until live again | until used again |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        if row.not_run:
            lines.append(f"| {row.fault} | not run: {row.not_run} | | | | |")
            continue
        cells = (row.fault, row.shown, row.lost, _seconds(row.noticed_s), _seconds(row.live_s), _seconds(row.used_s))
        mark = f" **failed: {'; '.join(row.broken)}**" if row.broken else ""
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + f" |{mark}")
    return "\n".join(lines)


def as_json(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Give the rows as plain numbers and words."""
    return [{**row.__dict__, "broken": list(row.broken)} for row in rows]


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"
