"""Summary of a session: the dictionary of ``--json``, in plain numbers with units in the keys."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from ..contract import RecordingStatus, SourceStatus
from ..io import wire
from .tally import Tally


@dataclass(frozen=True)
class Costs:
    """Costs of the engine's process: peak memory, and processor time per second of decoding.

    None is not measured.
    """

    peak_rss_mb: float | None
    cpu_s_per_s: float | None


@dataclass(frozen=True)
class BundleName:
    """A bundle's file and hash, its domain, where its labels came from, its heads.

    And whether it gates foreign EEG, and can adapt to a voice.
    """

    file: str
    sha256: str
    domain: tuple[str, ...] = ()
    labels: str = ""
    heads: tuple[str, ...] = ()
    domain_gate: bool = False
    adapts: bool = False


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
    rest_s: float = 0.0,
) -> dict[str, Any]:
    """Return the dictionary of ``--json``.

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
    rest_s : float
        How long a rest is declared from t0; 0 for none.
    """
    latency, ages = tally.latency_ms(), tally.ages_ms()
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
        "rest_s": rest_s,
        "calibrated_decisions": tally.calibrated,
        "peak_rss_mb": costs.peak_rss_mb,
        "cpu_s_per_s": costs.cpu_s_per_s,
        "latency_ms": {
            "sample_to_estimate": {"p50": latency.p50 if latency else None, "p99": latency.p99 if latency else None},
            "stages": tally.stages_ms(),
        },
        "information_age_ms": {
            name: round(ages[name].p50, 1) if name in ages else None for name in (one.modality for one in statuses)
        },
        "information_age_p99_ms": {
            name: round(ages[name].p99, 1) if name in ages else None for name in (one.modality for one in statuses)
        },
        "eeg_filter_delay_ms": tally.eeg_filter_delay_ms,
        "modalities": {status.modality: _modality(status, tally) for status in statuses},
        "recording": _recording(recording),
        "estimates": tally.estimates(),
        "speech": tally.speech(),
        "speech_affect": tally.speech_affect(),
        **({"pooled": tally.pooled()} if any(head.name == "pooled_valence" for head in tally.heads) else {}),
        "heads": tally.further_heads(),
        "ablations": tally.evidence.ablations(),
        "domain_distances": tally.evidence.distances(),
        "policy": tally.evidence.policy(),
        "hearing": tally.hearing(),
        "faces": tally.faces(),
        "domain": list(domain),
        "bundles": [json.loads(wire.encode(bundle)) for bundle in bundles],
        "notices": list(notices),
    }


def _recording(status: RecordingStatus | None) -> Mapping[str, Any]:
    if status is None:
        return {"present": False, **dict.fromkeys(one.name for one in fields(RecordingStatus))}
    return {"present": True, **asdict(status)}


def _modality(status: SourceStatus, tally: Tally) -> Mapping[str, Any]:
    present = status.configured and any(change.state not in ("searching",) for change in status.transitions)
    if not present:
        keys = ("used_fraction", "observed_rate_hz", "lost_samples", "health", "transitions")
        return {"present": False, **dict.fromkeys(keys)}
    found: dict[str, Any] = {
        "present": True,
        "used_fraction": tally.used[status.modality] / tally.decisions if tally.decisions else None,
        "observed_rate_hz": status.observed_rate_hz,
        "lost_samples": status.lost_samples,
        "health": status.health,
        "transitions": [[round(change.time_s, 3), change.state] for change in status.transitions],
        "reasons": [change.why for change in status.transitions],
        "device_delay": "undeclared" if status.delay_s is None else "declared",
        "figures": json.loads(wire.encode(status.figures)),
        "error": status.error,
    }
    if status.modality == "speech":
        found["sound"] = None if status.sound is None else asdict(status.sound)
    return found
