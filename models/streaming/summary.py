"""What a session amounted to: the dictionary of ``--json``, in plain numbers with units in the keys."""

import array
import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, astuple, dataclass, field, fields
from typing import Any

import numpy as np

from ..contract import MODALITIES, Estimate, FloatArray, Modality, Percentiles, RecordingStatus, SourceStatus
from ..fusion.circumplex import Affect, affect_of
from ..io import wire

STAGES = ("received", "ring", "features", "inference", "published")
_NEWEST = 20_000  # decisions whose latencies are kept: hours of them


class NewestRows:
    """The newest rows of a fixed width; memory is allocated at the start and does not grow.

    Parameters
    ----------
    kept : int
        How many rows.
    width : int
        Values in a row.
    """

    def __init__(self, kept: int, width: int) -> None:
        self._rows: FloatArray = np.full((kept, width), np.nan, np.float32)
        self._count = 0

    def __len__(self) -> int:
        return min(self._count, len(self._rows))

    def append(self, row: tuple[float, ...]) -> None:
        """Add a row; the oldest goes where there is no room."""
        self._rows[self._count % len(self._rows)] = row
        self._count += 1

    def rows(self) -> FloatArray:
        """Return what is kept, ``(n, width)``, in no order."""
        return self._rows[: len(self)]


class AllRows:
    """Every row of a fixed width, four bytes a value, with a time in full precision: a list of floats takes twenty times as much.

    Parameters
    ----------
    width : int
        Values in a row.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._times_s = array.array("d")
        self._values = array.array("f")

    def __len__(self) -> int:
        return len(self._times_s)

    def append(self, time_s: float, row: tuple[float, ...]) -> None:
        """Add a row."""
        if len(row) != self._width:
            raise ValueError(f"a row of {self._width} values was expected, {len(row)} came")
        self._times_s.append(time_s)
        self._values.extend(row)

    def rows(self) -> tuple[list[float], FloatArray]:
        """Return the times and the rows, ``(n, width)``, oldest first."""
        values = np.array(self._values, np.float32).reshape(len(self), self._width)
        return self._times_s.tolist(), values


@dataclass
class Tally:
    """What is counted while decisions are published; for the one thread that publishes them.

    Attributes
    ----------
    decisions, dropped, skipped, calibrated : int
        Made; replaced before a screen saw them; left out because the engine was late; made with the rest known.
    eeg_filter_delay_ms : float or None
        Group delay of the EEG's filters at 10 Hz, which is part of its information age; None without EEG.
    latency : Percentiles or None
        Compute latency of the newest decisions: from the data time to the publication.
    pooling : bool
        Whether estimates are pooled.
    ages : mapping of modality to Percentiles
        Information age of the newest decisions, for each modality that was used.
    """

    decisions: int = 0
    dropped: int = 0
    skipped: int = 0
    calibrated: int = 0
    first_published_s: float | None = None
    last_published_s: float | None = None
    glimpsed_fraction: float | None = None
    eeg_filter_delay_ms: float | None = None
    latency: Percentiles | None = None
    ages: dict[Modality, Percentiles] = field(default_factory=dict)
    pooling: bool = False
    used: dict[Modality, int] = field(default_factory=lambda: dict.fromkeys(MODALITIES, 0))
    _stages_s: NewestRows = field(default_factory=lambda: NewestRows(_NEWEST, len(STAGES)))
    _ages_s: NewestRows = field(default_factory=lambda: NewestRows(_NEWEST, len(MODALITIES)))
    _readouts: AllRows = field(default_factory=lambda: AllRows(6))
    _silences: AllRows = field(default_factory=lambda: AllRows(0))
    _said: AllRows | None = None
    _affects: AllRows = field(default_factory=lambda: AllRows(4))
    _pooled: AllRows = field(default_factory=lambda: AllRows(8))
    _heard: Counter[str] = field(default_factory=Counter)
    _classes: tuple[str, ...] = ()

    def add(self, estimate: Estimate, started_s: float) -> None:
        """Count a published estimate; times are told from ``started_s`` on."""
        self.decisions += 1
        ledger = estimate.ledger
        if self.first_published_s is None:
            self.first_published_s = ledger.published_s
        self.last_published_s = ledger.published_s
        for modality in estimate.used:
            self.used[modality] += 1
        if estimate.used:
            # A decision that rests on no sample has no latency.
            moments = (estimate.time_s, ledger.received_s, ledger.ring_s, ledger.features_s, ledger.inference_s)
            after = (*moments[1:], ledger.published_s)
            self._stages_s.append(tuple(end - begin for begin, end in zip(moments, after, strict=True)))
            ages = (estimate.ages.eeg, estimate.ages.face, estimate.ages.speech)
            self._ages_s.append(tuple(math.nan if age is None else age for age in ages))
            self.calibrated += estimate.calibrated
        # Screens read the percentiles; they cost too much to compute at each question.
        if self.decisions < 20 or self.decisions % 10 == 0:
            self.latency = self.latency_ms()
            self.ages = self.ages_ms()
        self._count_hearing(estimate)
        self._keep(estimate, round(estimate.time_s - started_s, 4))

    def latency_ms(self) -> Percentiles | None:
        """Give sample to estimate: from the data time to the publication."""
        return _percentiles(self._stages_s.rows().sum(axis=1))

    def ages_ms(self) -> dict[Modality, Percentiles]:
        """Give the information age of each modality that was used."""
        columns = zip(MODALITIES, self._ages_s.rows().T, strict=True)
        known = {modality: _percentiles(ages_s[np.isfinite(ages_s)]) for modality, ages_s in columns}
        return {modality: figures for modality, figures in known.items() if figures is not None}

    def stages_ms(self) -> dict[str, float | None]:
        """Give the median time that each stage took after the one before; the first counts from the data time."""
        if not len(self._stages_s):
            return dict.fromkeys(STAGES)
        medians = np.median(self._stages_s.rows(), axis=0) * 1000
        return dict(zip(STAGES, (round(float(v), 3) for v in medians), strict=True))

    def estimates(self) -> list[list[Any]]:
        """Give ``[time_s, valence, arousal]`` of every decision that had a readout."""
        times_s, rows = self._readouts.rows()
        return [[time_s, row[:3], row[3:]] for time_s, row in zip(times_s, rows.tolist(), strict=True)]

    def speech(self) -> list[list[Any]]:
        """Give ``[time_s, {category: probability}]`` of every decision; None in place of the mapping for silence."""
        said: list[list[Any]] = [[time_s, None] for time_s in self._silences.rows()[0]]
        if self._said is not None:
            times_s, rows = self._said.rows()
            said += [
                [time_s, dict(zip(self._classes, row, strict=True))]
                for time_s, row in zip(times_s, rows.tolist(), strict=True)
            ]
        return sorted(said, key=lambda row: float(row[0]))

    def speech_affect(self) -> list[list[Any]]:
        """Give ``[time_s, {valence, arousal, valence_sd, arousal_sd}]`` of every decision with speech."""
        times_s, rows = self._affects.rows()
        names = [one.name for one in fields(Affect)]
        rounded = rows.astype(float).round(4).tolist()
        return [[time_s, dict(zip(names, row, strict=True))] for time_s, row in zip(times_s, rounded, strict=True)]

    def pooled(self) -> list[list[Any]]:
        """Give ``[time_s, valence, arousal, voice's share of each]`` of every decision that was pooled."""
        times_s, rows = self._pooled.rows()
        return [[time_s, row[:3], row[3:6], row[6:]] for time_s, row in zip(times_s, rows.tolist(), strict=True)]

    def hearing(self) -> dict[str, Any]:
        """Count decisions by what is known of the microphone."""
        counts = self._heard
        kinds: dict[str, dict[str, int]] = {"withheld": {}, "faults": {}}
        for name, count in sorted(counts.items()):
            kind, _, what = name.partition(":")
            if what:
                kinds[kind][what] = count
        return {"speaking": counts["speaking"], "degraded": counts["degraded"], **kinds}

    def _count_hearing(self, estimate: Estimate) -> None:
        self._heard["degraded"] += estimate.degraded is not None
        hearing = estimate.hearing
        if hearing is None:
            return
        self._heard["speaking"] += hearing.speaking
        if hearing.withheld is not None:
            self._heard[f"withheld:{hearing.withheld}"] += 1
        if hearing.fault is not None:
            self._heard[f"faults:{hearing.fault}"] += 1

    def _keep(self, estimate: Estimate, time_s: float) -> None:
        readout, said, pooled = estimate.readout, estimate.speech, estimate.pooled
        if pooled is not None:
            shares = (pooled.voice_share_valence, pooled.voice_share_arousal)
            self._pooled.append(time_s, (*pooled.valence.tolist(), *pooled.arousal.tolist(), *shares))
        if readout is not None:
            self._readouts.append(time_s, (*readout.valence.tolist(), *readout.arousal.tolist()))
        if said is None:
            self._silences.append(time_s, ())
            return
        if self._said is None:
            self._said, self._classes = AllRows(len(said.classes)), said.classes
        self._said.append(time_s, said.probabilities)
        affect = affect_of(said.classes, said.probabilities)
        if affect is not None:
            self._affects.append(time_s, astuple(affect))


def _percentiles(seconds: FloatArray) -> Percentiles | None:
    if not len(seconds):
        return None
    p50, p99 = np.percentile(seconds * 1000, (50, 99))
    return Percentiles(float(p50), float(p99))


@dataclass(frozen=True)
class Costs:
    """What the engine's process took: its largest memory, and processor time per second while it decoded.

    None is not measured.
    """

    peak_rss_mb: float | None
    cpu_s_per_s: float | None


@dataclass(frozen=True)
class BundleName:
    """A bundle's file and hash, and the domain that it was trained on."""

    file: str
    sha256: str
    domain: tuple[str, ...] = ()


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
        "calibrated_decisions": tally.calibrated,
        "peak_rss_mb": costs.peak_rss_mb,
        "cpu_s_per_s": costs.cpu_s_per_s,
        "latency_ms": {
            "sample_to_estimate": {"p50": latency.p50 if latency else None, "p99": latency.p99 if latency else None},
            "stages": tally.stages_ms(),
        },
        "information_age_ms": {
            modality: round(ages[modality].p50, 1) if modality in ages else None for modality in MODALITIES
        },
        "information_age_p99_ms": {
            modality: round(ages[modality].p99, 1) if modality in ages else None for modality in MODALITIES
        },
        "eeg_filter_delay_ms": tally.eeg_filter_delay_ms,
        "modalities": {status.modality: _modality(status, tally) for status in statuses},
        "recording": _recording(recording),
        "estimates": tally.estimates(),
        "speech": tally.speech(),
        "speech_affect": tally.speech_affect(),
        **({"pooled": tally.pooled()} if tally.pooling else {}),
        "hearing": tally.hearing(),
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
