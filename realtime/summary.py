"""What a session amounted to: the dictionary of ``--json``, in plain numbers with units in the keys."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

import numpy as np

from ..models.contract import MODALITIES, Estimate, Modality
from .snapshot import Percentiles, RecordingStatus, SourceStatus

STAGES = ("received", "ring", "features", "inference", "published")
_NEWEST = 20_000  # decisions whose latencies are kept: hours of them


@dataclass
class Tally:
    """What is counted while decisions are published; for the one thread that publishes them."""

    decisions: int = 0
    dropped: int = 0
    skipped: int = 0
    calibrated: int = 0
    first_published_s: float | None = None
    last_published_s: float | None = None
    glimpsed_fraction: float | None = None
    latency: Percentiles | None = None
    used: dict[Modality, int] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0))
    ledgers: list[tuple[float, ...]] = field(default_factory=list)
    ages: dict[Modality, list[float]] = field(default_factory=lambda: {modality: [] for modality in MODALITIES})
    estimates: list[list[Any]] = field(default_factory=list)
    speech: list[list[Any]] = field(default_factory=list)

    def add(self, estimate: Estimate, started_s: float) -> None:
        """Count a published estimate; times are told from ``started_s`` on."""
        self.decisions += 1
        ledger = estimate.ledger
        if self.first_published_s is None:
            self.first_published_s = ledger.published_s
        self.last_published_s = ledger.published_s
        for modality in estimate.used:
            self.used[modality] += 1
            age_s = getattr(estimate.ages, modality)
            if age_s is not None and len(self.ages[modality]) < _NEWEST:
                self.ages[modality].append(age_s)
        if len(self.ledgers) >= _NEWEST:
            del self.ledgers[: _NEWEST // 2]
        if estimate.used:
            # A decision that rests on no sample has no latency.
            moments = (estimate.time_s, ledger.received_s, ledger.ring_s, ledger.features_s)
            self.ledgers.append((*moments, ledger.inference_s, ledger.published_s))
            self.calibrated += estimate.calibrated
        # Screens read the percentiles; they cost too much to compute at each question.
        if self.decisions < 20 or self.decisions % 10 == 0:
            self.latency = self.latency_ms()
        time_s = round(estimate.time_s - started_s, 4)
        readout, said = estimate.readout, estimate.speech
        if readout is not None:
            self.estimates.append([time_s, readout.valence.tolist(), readout.arousal.tolist()])
        probabilities = None if said is None else dict(zip(said.classes, said.probabilities, strict=True))
        self.speech.append([time_s, probabilities])

    def latency_ms(self) -> Percentiles | None:
        """Give sample to estimate: from the data time to the publication."""
        if not self.ledgers:
            return None
        taken = np.array(self.ledgers[-_NEWEST:])
        p50, p99 = np.percentile((taken[:, -1] - taken[:, 0]) * 1000, (50, 99))
        return Percentiles(float(p50), float(p99))

    def stages_ms(self) -> dict[str, float | None]:
        """Give the median time that each stage took after the one before; the first counts from the data time."""
        if not self.ledgers:
            return dict.fromkeys(STAGES)
        taken = np.diff(np.array(self.ledgers), axis=1) * 1000
        return dict(zip(STAGES, (round(float(v), 3) for v in np.median(taken, axis=0)), strict=True))


@dataclass(frozen=True)
class Costs:
    """What the engine's process took: its largest memory, and processor time per second while it decoded.

    None is not measured.
    """

    peak_rss_mb: float | None
    cpu_s_per_s: float | None


@dataclass(frozen=True)
class BundleName:
    """A bundle's file and hash."""

    file: str
    sha256: str


def summarise(
    tally: Tally,
    started_s: float,
    ended_s: float,
    statuses: Sequence[SourceStatus],
    costs: Costs,
    domain: Sequence[str],
    bundles: Sequence[BundleName],
    notices: Sequence[str],
    recording: RecordingStatus | None = None,
) -> dict[str, Any]:
    """Build the dictionary of ``--json``.

    Parameters
    ----------
    tally : Tally
    started_s, ended_s : float
        Of the command, on the LSL clock; ``time_s`` counts from the start.
    statuses : sequence of SourceStatus
    costs : Costs
    domain : sequence of str
        Of the bundles.
    bundles : sequence of BundleName
    notices : sequence of str
    recording : RecordingStatus or None
    """
    latency = tally.latency_ms()
    span_s = (tally.last_published_s or 0.0) - (tally.first_published_s or 0.0)
    first_s = tally.first_published_s
    return {
        "duration_s": round(ended_s - started_s, 3),
        "first_estimate_s": None if first_s is None else round(first_s - started_s, 3),
        "decisions": tally.decisions,
        "decision_rate_hz": round((tally.decisions - 1) / span_s, 4) if span_s > 0 else None,
        "dropped_decisions": tally.dropped,
        "skipped_decisions": tally.skipped,
        "glimpsed_fraction": tally.glimpsed_fraction,
        "calibrated_decisions": tally.calibrated,
        "peak_rss_mb": costs.peak_rss_mb,
        "cpu_s_per_s": costs.cpu_s_per_s,
        "latency_ms": {
            "sample_to_estimate": {"p50": latency.p50 if latency else None, "p99": latency.p99 if latency else None},
            "stages": tally.stages_ms(),
        },
        "information_age_ms": {
            modality: round(float(np.median(ages)) * 1000, 1) if ages else None for modality, ages in tally.ages.items()
        },
        "modalities": {status.modality: _modality(status, tally) for status in statuses},
        "recording": _recording(recording),
        "estimates": tally.estimates,
        "speech": tally.speech,
        "domain": list(domain),
        "bundles": [{"file": bundle.file, "sha256": bundle.sha256} for bundle in bundles],
        "notices": list(notices),
    }


def _recording(status: RecordingStatus | None) -> Mapping[str, Any]:
    if status is None:
        return {"present": False, **dict.fromkeys(field.name for field in fields(RecordingStatus))}
    return {"present": True, **asdict(status)}


def _modality(status: SourceStatus, tally: Tally) -> Mapping[str, Any]:
    present = status.configured and any(change.state not in ("searching",) for change in status.transitions)
    if not present:
        keys = ("used_fraction", "observed_rate_hz", "lost_samples", "health", "transitions")
        return {"present": False, **dict.fromkeys(keys)}
    return {
        "present": True,
        "used_fraction": tally.used[status.modality] / tally.decisions if tally.decisions else None,
        "observed_rate_hz": status.observed_rate_hz,
        "lost_samples": status.lost_samples,
        "health": status.health,
        "transitions": [[round(change.time_s, 3), change.state] for change in status.transitions],
    }
