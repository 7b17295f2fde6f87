"""Texts of the screens: answers, health and phase, each with a mark beside its colour."""

from dataclasses import dataclass
from typing import Literal

from ...models.contract import (
    LEVELS,
    Estimate,
    FaceReading,
    Head,
    HeadOutput,
    HealthState,
    Look,
    MicrophoneFault,
    Percentiles,
    SourceStatus,
)
from ...models.signals.speech.microphone_level import fault_text, microphone_fault
from ..ipc.snapshot import Snapshot

Tone = Literal["good", "warn", "bad", "idle"]

MARKS: dict[Tone, str] = {"good": "●", "warn": "▲", "bad": "■", "idle": "○"}
FACE, FACE_PLACE = "face", ("face_valence", "face_arousal")
"""Heads of what the face expresses: its emotion, and the place of that on the circumplex."""
HEADS_WITH_A_PANEL = ("valence", "arousal", "speech", "pooled_valence", "pooled_arousal")
_SOURCE_TITLES = {"eeg": "EEG", "face": "Face", "speech": "Speech"}

_FAR_OFF_PPM = 500.0
_PLENTY_MIN = 24 * 60.0
_HEALTH: dict[HealthState, tuple[str, Tone]] = {
    "searching": ("searching", "idle"),
    "live": ("live", "good"),
    "stale": ("no new samples", "warn"),
    "rate_off": ("rate off", "warn"),
    "gap": ("gap", "warn"),
    "clock_jump": ("clock jumped", "warn"),
    "lost": ("lost", "bad"),
    "recovered": ("recovered", "good"),
}


_FAULTS: dict[MicrophoneFault, str] = {"clipping": "clipping", "silent": "silent", "stuck": "dead input"}


def source_title(modality: str) -> str:
    """Return the name of a modality as screens write it."""
    return _SOURCE_TITLES.get(modality) or modality.replace("_", " ").capitalize()


@dataclass(frozen=True)
class StatusText:
    """A text with its tone, from good to bad."""

    text: str
    tone: Tone

    @property
    def mark(self) -> str:
        """Return the mark of the tone."""
        return MARKS[self.tone]


def answer(members: tuple[int, ...]) -> str:
    """Put a set of levels into words: "high", "low or medium", "undecided" where every level remains."""
    if len(members) == len(LEVELS):
        return "undecided"
    return " or ".join(LEVELS[index] for index in members)


def why_undecided(head: HeadOutput) -> str:
    """Return the reason for an answer that leaves every class open; empty for any other answer."""
    if len(head.kept) < len(head.classes):
        return ""
    return head.abstained or "every level remains possible"


def doubt(estimate: Estimate, head: HeadOutput) -> str:
    """Return why an answer is open, or deserves less trust than usual; empty where neither is so."""
    degraded = "" if estimate.degraded is None else f"less sure: {estimate.degraded}"
    return why_undecided(head) or degraded


def title(head: Head | HeadOutput) -> str:
    """Return the name of a head with its construct: "Stress, felt"."""
    return f"{head.name.replace('_', ' ').capitalize()}, {head.construct}"


def further_heads(snapshot: Snapshot) -> tuple[tuple[Head, HeadOutput | None], ...]:
    """Return the heads that no panel of their own shows, with their newest output."""
    estimate = snapshot.estimate
    return tuple(
        (head, None if estimate is None else estimate.head(head.name))
        for head in snapshot.heads
        if head.name not in HEADS_WITH_A_PANEL
    )


def head_answer(head: Head, output: HeadOutput | None) -> str:
    """Return the output of a head as text: its class set or best class, its value, or why it abstains."""
    if output is None or not output.answered:
        return (output.abstained if output is not None else None) or "no answer yet"
    if output.value is not None:
        low, high = head.scale or (0.0, 1.0)
        return f"{output.value:.2f} ({low:g} to {high:g})"
    kept = [head.classes[index] for index in output.kept]
    if len(kept) == len(head.classes):
        return "undecided"
    return " or ".join(kept) if kept else output.best or ""


def health(status: SourceStatus) -> StatusText:
    """Return the health of a source as text."""
    if not status.configured:
        return StatusText("not used", "idle")
    if status.error is not None:
        return StatusText("failed", "bad")
    fault = microphone_fault(status.sound)
    if status.health == "live" and fault is not None:
        return StatusText(_FAULTS[fault], "warn")
    return StatusText(*_HEALTH[status.health])


def rate(status: SourceStatus) -> str:
    """Return the observed and nominal rate as text."""
    observed = "–" if status.observed_rate_hz is None else _hertz(status.observed_rate_hz)
    if status.nominal_rate_hz is None:
        return f"{observed} Hz"
    return f"{observed} / {_hertz(status.nominal_rate_hz)} Hz"


def _hertz(value: float) -> str:
    return f"{value:.0f}" if value >= 1000 or value == round(value) else f"{value:.1f}"


def lost(status: SourceStatus) -> str:
    """Return the number of lost samples as text."""
    return f"{status.lost_samples:,} lost".replace(",", " ") if status.lost_samples else "none lost"


def age(value: float | None) -> str:
    """Return an age as text: milliseconds below a second, seconds above."""
    if value is None:
        return "–"
    return f"{max(value, 0.0) * 1000:.0f} ms" if value < 1.0 else f"{value:.1f} s"


def information_ages(snapshot: Snapshot) -> str:
    """Return the information age of each source as text: the median over the newest decisions."""
    known = dict(snapshot.information_age_ms)
    figures = (known.get(status.modality) for status in snapshot.sources)
    return " / ".join("–" if one is None else f"{one.p50:.0f}" for one in figures) + " ms"


def latency(figures: Percentiles | None) -> str:
    """Return the latency from sample to estimate as text: median and 99th percentile."""
    return "–" if figures is None else f"{figures.p50:.0f} / {figures.p99:.0f} ms"


def delay(status: SourceStatus) -> str:
    """Return the device's declared delay as text, or that it is undeclared."""
    return "delay undeclared" if status.delay_s is None else f"delay {status.delay_s * 1000:.0f} ms"


def drift(status: SourceStatus) -> str:
    """Return the drift of the device's clock as text; empty where unknown."""
    ppm = status.figures.drift_ppm
    return "" if ppm is None else f"drift {ppm:+.0f} ppm"


def jitter(status: SourceStatus) -> str:
    """Return the jitter of stamps as text; empty where unknown."""
    seconds = status.figures.jitter_s
    return "" if seconds is None else f"jitter {seconds * 1000:.1f} ms"


def trouble(status: SourceStatus) -> str:
    """Return why a source is not simply live: its error, or the figure that decided its state.

    Of a microphone that is live: what is wrong with its sound.
    """
    if not status.configured:
        return ""
    if status.error is None and status.health == "live":
        return fault_text(status.sound)
    return status.error or status.why


def worries(status: SourceStatus) -> tuple[str, ...]:
    """Return what a source that delivers does badly: a clock that is far off, samples that this computer let fall."""
    figures, words = status.figures, []
    ppm = figures.drift_ppm or 0.0
    if abs(ppm) >= _FAR_OFF_PPM:
        words.append(f"its clock runs {abs(ppm) * 3.6e-3:.1f} s an hour {'fast' if ppm > 0 else 'slow'}")
    if figures.skipped_samples:
        words.append(f"{figures.skipped_samples} samples skipped: this computer is too busy")
    if figures.overflows:
        words.append(f"sound was lost {figures.overflows} times on its way: this computer is too busy")
    return tuple(words)


def more_figures(status: SourceStatus) -> tuple[str, ...]:
    """Return further figures as text: jitter, drift, backlog, skipped samples, clock jumps."""
    figures = status.figures
    words = [jitter(status), drift(status)]
    if figures.backlog_samples:
        words.append(f"{figures.backlog_samples} waiting")
    if figures.skipped_samples:
        words.append(f"{figures.skipped_samples} skipped")
    if figures.overflows:
        words.append(f"{figures.overflows} overflows")
    if figures.clock_offset_s:
        words.append(f"clock moved by {figures.clock_offset_s:+.3f} s")
    return tuple(word for word in words if word)


def phase(snapshot: Snapshot) -> StatusText:
    """Return the phase of the engine as text."""
    if snapshot.phase == "connecting":
        found = sum(s.configured and s.health != "searching" for s in snapshot.sources)
        wanted = sum(s.configured for s in snapshot.sources)
        return StatusText(f"connecting: {found} of {wanted} sources found", "idle")
    if snapshot.phase == "resting":
        left = snapshot.rest_left_s
        return StatusText("resting: baseline" + ("" if left is None else f", {max(left, 0.0):.0f} s left"), "warn")
    if snapshot.phase == "decoding":
        calibrated = snapshot.estimate is None or snapshot.estimate.calibrated
        return StatusText("decoding" if calibrated else "decoding, no rest baseline", "good" if calibrated else "warn")
    if snapshot.phase == "ending":
        return StatusText("ending" if snapshot.recording is None else "ending: finishing the recording", "warn")
    return StatusText("session ended", "idle")


def recording(snapshot: Snapshot) -> StatusText | None:
    """Return the state of the recording as text; None where nothing is recorded."""
    status = snapshot.recording
    if status is None:
        return None
    size = f"rec {_bytes(status.bytes)}"
    if status.error is not None:
        return StatusText("recording stopped" if not status.on else "recording in part", "bad")
    if not status.on:
        return StatusText(f"{size}, finished", "idle")
    if status.paused:
        return StatusText(f"{size}, paused", "warn")
    known = status.minutes_left is not None and status.minutes_left < _PLENTY_MIN
    left = f", {_minutes(status.minutes_left)} left" if known and status.minutes_left is not None else ""
    if status.missing and snapshot.phase not in ("connecting", "ending", "ended"):
        return StatusText(f"{size}{left}, {len(status.missing)} stream(s) missing", "bad")
    missed = status.lost_frames + status.lost_chunks
    if missed:
        return StatusText(f"{size}{left}, {missed} missed", "warn")
    if status.disk_low or not status.lsl:
        return StatusText(f"{size}{left}" if status.disk_low else f"{size}, LSL starting", "warn")
    return StatusText(f"{size}{left}", "good")


def _bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _minutes(minutes: float) -> str:
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.0f} h"


def speech(snapshot: Snapshot) -> StatusText:
    """Return the expressed emotion as text; "no speech" is an answer of its own."""
    status = next((s for s in snapshot.sources if s.modality == "speech"), None)
    if status is None or not status.configured:
        return StatusText("no microphone", "idle")
    if status.error is not None or status.health in ("lost", "searching"):
        status_text = health(status)
        return StatusText(
            "no microphone yet" if status_text.text == "searching" else f"microphone {status_text.text}",
            status_text.tone,
        )
    output = None if snapshot.estimate is None else snapshot.estimate.answer("speech")
    if output is None:
        hearing = None if snapshot.estimate is None else snapshot.estimate.hearing
        if hearing is not None and hearing.withheld is not None:
            return StatusText(hearing.withheld, "warn")
        return StatusText("no speech", "idle")
    return StatusText(f"not sure: {output.best}", "warn") if output.unsure else StatusText(output.best or "", "good")


def face_expression(snapshot: Snapshot) -> StatusText:
    """Return what the face expresses as text, or why nothing is said."""
    output = None if snapshot.estimate is None else snapshot.estimate.head(FACE)
    if output is None:
        return StatusText("no answer yet", "idle")
    if output.best is None:
        return StatusText(output.abstained or "no answer", "idle")
    return StatusText(f"not sure: {output.best}", "warn") if output.unsure else StatusText(output.best, "good")


def face_place(snapshot: Snapshot) -> str:
    """Return the valence and arousal of what the face expresses; empty where there is no answer."""
    answers = [None if snapshot.estimate is None else snapshot.estimate.answer(name) for name in FACE_PLACE]
    values = [one.value for one in answers if one is not None and one.value is not None]
    return f"valence {values[0]:+.2f}, arousal {values[1]:+.2f}" if len(values) == len(FACE_PLACE) else ""


def face(look: Look | FaceReading) -> StatusText:
    """Return which face was followed in a frame as text, or why none."""
    others = look.faces - (look.face is not None)
    beside = f"; {others} other{'s' if others > 1 else ''} left out" if others > 0 else ""
    if look.face_state == "changed":
        return StatusText(f"another face (person {look.person}); the one before is forgotten{beside}", "warn")
    if look.face_state == "several":
        return StatusText(f"{look.faces} faces, none chosen: set face.region", "warn")
    if look.face_state == "too_small":
        return StatusText("the face is too small: come closer", "warn")
    if look.face is None:
        if look.frame_stamp_s is None:
            return StatusText("no picture in the last look", "idle")
        gone = look.person is not None and look.faces > 0
        return StatusText(f"the followed face is gone{beside}" if gone else "no face in the last look", "idle")
    person = f", person {look.person}" if (look.person or 1) > 1 else ""
    return StatusText(f"face of the last look{person}{beside}", "good")


def whose_weight(estimate: Estimate, voice_share: float) -> str:
    """Return whose weight a pooled answer was: "64% face and EEG, 36% voice"."""
    felt = " and ".join(name for modality, name in (("face", "face"), ("eeg", "EEG")) if modality in estimate.used)
    voice = round(100 * voice_share)
    return f"{100 - voice}% {felt or 'face and EEG'}, {voice}% voice"


def pooled_answers(estimate: Estimate | None) -> tuple[tuple[str, HeadOutput], ...]:
    """Return the pooled answers on valence and arousal, by axis; none where nothing is pooled."""
    if estimate is None:
        return ()
    found = ((axis, estimate.answer(f"pooled_{axis}")) for axis in ("valence", "arousal"))
    return tuple((axis, head) for axis, head in found if head is not None)


def pooled(estimate: Estimate) -> str:
    """Return the pooled answers as a line; empty without pooling."""
    return " · ".join(
        f"{axis} {answer(head.kept)} ({head.shares['voice']:.0%} voice)" for axis, head in pooled_answers(estimate)
    )


def clock(seconds: float) -> str:
    """Return a duration as m:ss, or h:mm:ss from an hour on."""
    whole = max(int(seconds), 0)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
