"""Counts and answers of a session while its decisions are published."""

from collections import Counter
from dataclasses import asdict
from typing import Any, get_args

import numpy as np

from ..contract import Estimate, FaceState, FloatArray, Head, Percentiles
from ..fusion.circumplex import affect_of
from .evidence_tally import EvidenceTally
from .rows import AllRows, NewestRows

STAGES = ("received", "ring", "features", "inference", "published")
_NEWEST = 20_000  # decisions whose latencies are kept: hours of them
_HEADS_WITH_A_KEY = ("valence", "arousal", "speech", "pooled_valence", "pooled_arousal")


class Tally:
    """Counts of published decisions; for the thread that publishes them.

    Parameters
    ----------
    heads : tuple of Head
        Of the session.
    eeg_filter_delay_ms : float or None
        Group delay of the EEG's filters at 10 Hz, which is part of its information age; None without EEG.

    Attributes
    ----------
    decisions, dropped, skipped, calibrated : int
        Made; replaced before a screen read them; left out because the engine was late; made with the rest known.
    latency : Percentiles or None
        Compute latency of the newest decisions: from the data time to the publication.
    ages : mapping of modality to Percentiles
        Information age of the newest decisions, for each modality that was used.
    used : mapping of modality to int
        Decisions that rest on it.
    evidence : EvidenceTally
    """

    def __init__(self, heads: tuple[Head, ...] = (), eeg_filter_delay_ms: float | None = None) -> None:
        self.heads = heads
        self.eeg_filter_delay_ms = eeg_filter_delay_ms
        self.decisions = self.dropped = self.skipped = self.calibrated = 0
        self.first_published_s: float | None = None
        self.last_published_s: float | None = None
        self.glimpsed_fraction: float | None = None
        self.latency: Percentiles | None = None
        self.ages: dict[str, Percentiles] = {}
        self.used: Counter[str] = Counter()
        self.evidence = EvidenceTally()
        self._stages_s = NewestRows(_NEWEST, len(STAGES))
        self._ages_s: dict[str, NewestRows] = {}
        self._times = AllRows(0)
        self._answers = {head.name: AllRows(max(len(head.classes), 1) + len(head.shares)) for head in heads}
        self._hearing: Counter[str] = Counter()
        self._faces: Counter[str] = Counter()
        self._most_faces = self._people = 0

    def add(self, estimate: Estimate, started_s: float) -> None:
        """Count a published estimate; times count from ``started_s``."""
        self.decisions += 1
        ledger = estimate.ledger
        if self.first_published_s is None:
            self.first_published_s = ledger.published_s
        self.last_published_s = ledger.published_s
        self.glimpsed_fraction = estimate.glimpsed_fraction
        self.used.update(estimate.used)
        if estimate.used:
            # A decision that rests on no sample has no latency.
            moments = (estimate.time_s, ledger.received_s, ledger.ring_s, ledger.features_s, ledger.inference_s)
            after = (*moments[1:], ledger.published_s)
            self._stages_s.append(tuple(end - begin for begin, end in zip(moments, after, strict=True)))
            for modality, age_s in estimate.ages_s.items():
                self._ages_s.setdefault(modality, NewestRows(_NEWEST, 1)).append((age_s,))
            self.calibrated += estimate.calibrated
        # Screens read the percentiles; they cost too much to compute at each question.
        if self.decisions < 20 or self.decisions % 10 == 0:
            self.latency = self.latency_ms()
            self.ages = self.ages_ms()
        self._count_hearing(estimate)
        self._count_faces(estimate)
        time_s = round(estimate.time_s - started_s, 4)
        self._keep(estimate, time_s)
        self.evidence.add(estimate, time_s)

    def latency_ms(self) -> Percentiles | None:
        """Return sample to estimate: from the data time to the publication."""
        return _percentiles(self._stages_s.rows().sum(axis=1))

    def ages_ms(self) -> dict[str, Percentiles]:
        """Return the information age of each modality that was used."""
        known = {modality: _percentiles(rows.rows()[:, 0]) for modality, rows in self._ages_s.items()}
        return {modality: figures for modality, figures in known.items() if figures is not None}

    def stages_ms(self) -> dict[str, float | None]:
        """Return the median time that each stage took after the one before; the first counts from the data time."""
        if not len(self._stages_s):
            return dict.fromkeys(STAGES)
        medians = np.median(self._stages_s.rows(), axis=0) * 1000
        return dict(zip(STAGES, (round(float(v), 3) for v in medians), strict=True))

    def estimates(self) -> list[list[Any]]:
        """Return ``[time_s, valence, arousal]`` of every decision that has both."""
        arousal = dict(self._rows("arousal"))
        return [[time_s, row, arousal[time_s]] for time_s, row in self._rows("valence") if time_s in arousal]

    def speech(self) -> list[list[Any]]:
        """Return ``[time_s, {category: probability}]`` of every decision; None in place of the mapping for silence."""
        classes, rows = self._classes("speech"), dict(self._rows("speech"))
        return [
            [time_s, dict(zip(classes, rows[time_s], strict=True)) if time_s in rows else None]
            for time_s in self._times.rows()[0]
        ]

    def speech_affect(self) -> list[list[Any]]:
        """Return ``[time_s, {valence, arousal, valence_sd, arousal_sd}]`` of every decision with speech."""
        classes = self._classes("speech")
        placed = [(time_s, affect_of(classes, row)) for time_s, row in self._rows("speech")]
        return [
            [time_s, {name: round(value, 4) for name, value in asdict(affect).items()}]
            for time_s, affect in placed
            if affect is not None
        ]

    def pooled(self) -> list[list[Any]]:
        """Return ``[time_s, valence, arousal, voice's share of each]`` of every decision that was pooled."""
        arousal = dict(self._rows("pooled_arousal"))
        return [
            [time_s, row[:3], arousal[time_s][:3], [row[3], arousal[time_s][3]]]
            for time_s, row in self._rows("pooled_valence")
        ]

    def further_heads(self) -> dict[str, Any]:
        """Return the heads that have no key of their own: what they are, and ``[time_s, answer]`` of every decision."""
        return {
            head.name: {
                "construct": head.construct,
                "classes": list(head.classes),
                "scale": None if head.scale is None else list(head.scale),
                "answers": [[t, row if head.classes else row[0]] for t, row in self._rows(head.name)],
            }
            for head in self.heads
            if head.name not in _HEADS_WITH_A_KEY
        }

    def faces(self) -> dict[str, Any] | None:
        """Return the looks at a frame by what became of the face, the most faces in one, and people followed.

        None where no frame was looked at.
        """
        if not self._faces:
            return None
        states = {state: self._faces[state] for state in get_args(FaceState)}
        return {"looks": states, "most_at_once": self._most_faces, "people": self._people}

    def hearing(self) -> dict[str, Any]:
        """Return the number of decisions by state of the microphone."""
        counts = self._hearing
        kinds: dict[str, dict[str, int]] = {"withheld": {}, "faults": {}}
        for name, count in sorted(counts.items()):
            kind, _, what = name.partition(":")
            if what:
                kinds[kind][what] = count
        return {"speaking": counts["speaking"], "degraded": counts["degraded"], **kinds}

    def _count_faces(self, estimate: Estimate) -> None:
        for look in estimate.face_readings or estimate.looks:
            if look.face_state is not None:
                self._faces[look.face_state] += 1
                self._most_faces = max(self._most_faces, look.faces)
                self._people = max(self._people, look.person or 0)

    def _count_hearing(self, estimate: Estimate) -> None:
        self._hearing["degraded"] += estimate.degraded is not None
        hearing = estimate.hearing
        if hearing is None:
            return
        self._hearing["speaking"] += hearing.speaking
        if hearing.withheld is not None:
            self._hearing[f"withheld:{hearing.withheld}"] += 1
        if hearing.fault is not None:
            self._hearing[f"faults:{hearing.fault}"] += 1

    def _keep(self, estimate: Estimate, time_s: float) -> None:
        self._times.append(time_s, ())
        for head in self.heads:
            output = estimate.answer(head.name)
            if output is not None:
                answer = (output.value,) if output.value is not None else output.probabilities or ()
                self._answers[head.name].append(time_s, (*answer, *(output.shares[side] for side in head.shares)))

    def _rows(self, name: str) -> list[tuple[float, list[float]]]:
        """Return time and row of every answer of a head; none where the session has no such head."""
        if name not in self._answers:
            return []
        times_s, rows = self._answers[name].rows()
        return list(zip(times_s, rows.tolist(), strict=True))

    def _classes(self, name: str) -> tuple[str, ...]:
        return next((head.classes for head in self.heads if head.name == name), ())


def _percentiles(seconds: FloatArray) -> Percentiles | None:
    if not len(seconds):
        return None
    p50, p99 = np.percentile(seconds * 1000, (50, 99))
    return Percentiles(float(p50), float(p99))
