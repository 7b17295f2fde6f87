"""From what was observed of a fault to a row of the table, and whether everything held that must."""

import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from moodring.models.contract import LEVELS, Estimate, SourceStatus
from moodring.realtime.screens import wording
from tests.support.faults import LIVE_WITHIN_S, LONGEST_PAUSE_S, Fault


@dataclass(frozen=True)
class Observation:
    """What a screen could see at one moment.

    Attributes
    ----------
    at_s : float
    decisions : int
    used : tuple of modalities
    uncertainty : float or None
        Entropy of valence and arousal over their largest, 0 to 1; 1 where nothing is said.
    sources : mapping of modality to SourceStatus
    """

    at_s: float
    decisions: int
    used: tuple[str, ...]
    uncertainty: float | None
    sources: Mapping[str, SourceStatus]

    def words(self, modality: str) -> str:
        """Return the line that a screen shows of a source."""
        status = self.sources[modality]
        return f"{status.error or status.why} {wording.drift(status)}"


def observe(at_s: float, decisions: int, estimate: Estimate | None, sources: Sequence[SourceStatus]) -> Observation:
    """Return what can be seen now."""
    axes = ("valence", "arousal")
    heads = [head for axis in axes if estimate is not None and (head := estimate.answer(axis)) is not None]
    uncertainty = 1.0
    if heads:
        rows = np.clip([head.probabilities for head in heads], 1e-9, 1.0)
        uncertainty = float(-(rows * np.log(rows)).sum(axis=1).mean() / np.log(len(LEVELS)))
    used = estimate.used if estimate is not None else ()
    return Observation(at_s, decisions, used, uncertainty, {status.modality: status for status in sources})


@dataclass(frozen=True)
class Span:
    """When a fault began, when its source had returned, and until when it was observed."""

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


def row_of(fault: Fault, span: Span, seen: Sequence[Observation]) -> Row:
    """Compare what was observed of a fault with what must be."""
    during = [one for one in seen if span.begin_s <= one.at_s <= span.end_s]
    before = [one for one in seen if span.begin_s - 2.0 <= one.at_s < span.begin_s]
    pause_s = _longest_pause_s(during)
    modality = fault.modality
    if modality is None:
        row = Row(fault.name, "nothing: the engine goes on", "the screen", longest_pause_s=pause_s)
        return replace(row, broken=tuple(_broken_pause(row)))
    states = [(one.at_s, one.sources[modality]) for one in during]
    words = [one.words(modality) for one in during]
    row = Row(
        fault=fault.name,
        shown=_shown(fault, states, words),
        lost=_lost(modality, before, during),
        noticed_s=_noticed_s(fault, span, states),
        live_s=_live_s(span, states),
        used_s=_used_s(modality, span, during),
        longest_pause_s=pause_s,
        uncertainty_before=_mean([one.uncertainty for one in before]),
        uncertainty_during=max((one.uncertainty or 0.0 for one in during if one.at_s < span.back_s), default=None),
    )
    return replace(
        row, broken=(*_broken_pause(row), *_broken_health(row, fault, words), *_broken_use(row, fault, during))
    )


def _broken_pause(row: Row) -> list[str]:
    paused = row.longest_pause_s is None or row.longest_pause_s > LONGEST_PAUSE_S
    return [f"no decision for {row.longest_pause_s} s"] if paused else []


def _broken_health(row: Row, fault: Fault, words: Sequence[str]) -> list[str]:
    broken = []
    if fault.notice_s is not None and (row.noticed_s is None or row.noticed_s > fault.notice_s):
        broken.append(f"noticed after {row.noticed_s} s, at most {fault.notice_s} expected")
    if fault.says and not any(re.search(fault.says, line) for line in words):
        broken.append(f"nothing said '{fault.says}'; said: {list(dict.fromkeys(words))[-6:]}")
    if row.live_s is None or row.live_s > LIVE_WITHIN_S:
        broken.append(f"live again after {row.live_s} s, at most {LIVE_WITHIN_S} expected")
    return broken


def _broken_use(row: Row, fault: Fault, during: Sequence[Observation]) -> list[str]:
    modality = fault.modality
    found = []
    if fault.lossless and during[-1].sources[modality].lost_samples > during[0].sources[modality].lost_samples:
        found.append(f"lost {row.lost}, nothing expected")
    if fault.unused and all(modality in one.used for one in during):
        found.append("every estimate claims to use it")
    if row.used_s is None:
        found.append("no estimate used it again")
    return found


def _longest_pause_s(during: Sequence[Observation]) -> float | None:
    changes = [now.at_s for old, now in itertools.pairwise(during) if now.decisions != old.decisions]
    if not changes:
        return None
    edges = [during[0].at_s, *changes, during[-1].at_s]
    return max(late - early for early, late in itertools.pairwise(edges))


def _shown(fault: Fault, states: Sequence[tuple[float, SourceStatus]], words: Sequence[str]) -> str:
    names = [name for name, _ in itertools.groupby(status.health for _, status in states)]
    told = next((line.strip() for line in words if fault.says and re.search(fault.says, line)), "")
    return " → ".join(names) + (f": “{told}”" if told else "")


def _lost(modality: str, before: Sequence[Observation], during: Sequence[Observation]) -> str:
    first, last = (before or during)[-1 if before else 0].sources[modality], during[-1].sources[modality]
    samples = last.lost_samples - first.lost_samples + last.figures.skipped_samples - first.figures.skipped_samples
    rate_hz = last.nominal_rate_hz or last.observed_rate_hz
    without_s = sum(now.at_s - old.at_s for old, now in itertools.pairwise(during) if modality not in now.used)
    words = "no sample"
    if samples:
        words = f"{samples} samples" + (f" ({samples / rate_hz:.1f} s)" if rate_hz else "")
    return words + (f"; {without_s:.1f} s of estimates without it" if without_s > 0.3 else "")


def _noticed_s(fault: Fault, span: Span, states: Sequence[tuple[float, SourceStatus]]) -> float | None:
    return next((at_s - span.begin_s for at_s, status in states if status.health in fault.states), None)


def _live_s(span: Span, states: Sequence[tuple[float, SourceStatus]]) -> float | None:
    """Return how long after the return it was first "live"; None where it never was, or is gone at the end."""
    if not states or states[-1][1].health in ("searching", "stale", "lost"):
        return None
    live = (at_s - span.back_s for at_s, status in states if at_s >= span.back_s and status.health == "live")
    return next(live, None)


def _used_s(modality: str, span: Span, during: Sequence[Observation]) -> float | None:
    after = [one for one in during if one.at_s >= span.back_s]
    if not after or modality not in after[-1].used:
        return None
    without = [one.at_s for one in after if modality not in one.used]
    return max(0.0, without[-1] - span.back_s) if without else 0.0


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def table(rows: Sequence[tuple[str, Row]]) -> str:
    """Return rows, each with how it was run, as a table of Markdown."""
    lines = [
        "| fault | on | what was shown | what was lost | until noticed | until live again | until used again |",
        "|---|---|---|---|---|---|---|",
    ]
    for how, row in rows:
        cells = (row.fault, how, row.shown, row.lost, *map(_seconds, (row.noticed_s, row.live_s, row.used_s)))
        lines.append("| " + " | ".join(cell.replace("|", "/") for cell in cells) + " |")
    return "\n".join(lines)


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} s"
