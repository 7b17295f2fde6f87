"""What the page says of each engine: plain numbers and the words of the other screens."""

import base64
import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from ...models.contract import Estimate, FloatArray, Head, HeadOutput, SourceStatus
from ..ipc.engine_feeds import Followed
from ..ipc.snapshot import Snapshot
from ..screens import evidence, wording
from ..screens.history import History
from ..screens.plain_line import notices
from ..screens.wording import StatusText

TRAIL_S = 30.0
_TRAIL_POINTS = 60
_AXES: tuple[Literal["valence", "arousal"], Literal["valence", "arousal"]] = ("valence", "arousal")
_PLACES = np.array([-1.0, 0.0, 1.0])
_SPEECH = "speech"


def tile(one: Followed, history: History, *, estimates: bool = True, picture: bytes | None = None) -> dict[str, Any]:
    """Return all that the page shows of an engine, ready for JSON.

    Parameters
    ----------
    one : Followed
    history : History
        Of the engine, for the trail on the plane.
    estimates : bool
        Whether what is decoded is part of it.
    picture : bytes or None
        The newest picture of the camera as JPEG.
    """
    snapshot = one.snapshot
    content: dict[str, Any] = {"key": one.key, "engine": one.name, "blind": not estimates, "state": _state(one)}
    if snapshot is None:
        return content | {"participant": "", "phase": _status(StatusText(_waiting(one), "idle"))}
    content |= {
        "participant": snapshot.participant,
        "phase": _status(_phase(one, snapshot)),
        "clock": wording.clock(snapshot.elapsed_s),
        "session_clock": None if snapshot.t0_s is None else wording.clock(snapshot.now_s - snapshot.t0_s),
        "recording": _status(wording.recording(snapshot)),
        "sources": [_source(status) for status in snapshot.sources if status.configured],
        "notices": list(notices(snapshot)),
        "figures": _figures(snapshot),
        "picture": None if picture is None else base64.b64encode(picture).decode("ascii"),
    }
    if estimates:
        content |= {
            "plane": _plane(snapshot, history),
            "heads": [_head(head, snapshot) for head in snapshot.heads if head.name not in wording.FACE_PLACE],
        }
    return content


def _state(one: Followed) -> Literal["waiting", "attached", "gone", "ended"]:
    if one.snapshot is None:
        return "waiting"
    if one.ended:
        return "ended"
    return "gone" if one.gone else "attached"


def _waiting(one: Followed) -> str:
    return "waiting for the engine" + (f": {one.why}" if one.why else "")


def _phase(one: Followed, snapshot: Snapshot) -> StatusText:
    if one.gone:
        why = f" ({one.why})" if one.why else ""
        return StatusText(f"the engine has not answered for {wording.clock(one.silent_s)}{why}", "bad")
    return wording.phase(snapshot)


def _status(status: StatusText | None) -> dict[str, str] | None:
    return None if status is None else {"text": status.text, "tone": status.tone, "mark": status.mark}


def _source(status: SourceStatus) -> dict[str, Any]:
    told = wording.trouble(status)
    figures = (wording.rate(status), wording.lost(status), wording.age(status.age_s))
    detail = told if told and status.health != "recovered" else " · ".join(figures)
    return {"title": wording.source_title(status.modality), "detail": detail, **(_status(wording.health(status)) or {})}


def _figures(snapshot: Snapshot) -> str:
    parts = [f"{snapshot.decisions} decisions", f"{snapshot.skipped_decisions} skipped"]
    if snapshot.latency_ms is not None:
        parts.append(f"latency {snapshot.latency_ms.p50:.0f}/{snapshot.latency_ms.p99:.0f} ms")
        parts.append(f"information age {wording.information_ages(snapshot)}")
    return " · ".join(parts)


# -------------------------------------------------------------------------------------------------------- answers


def _head(head: Head, snapshot: Snapshot) -> dict[str, Any]:
    """Return the newest answer of a head, with the probability of each class, or why there is none."""
    output = None if snapshot.estimate is None else snapshot.estimate.head(head.name)
    rows: Sequence[float | None] = (
        output.probabilities if output and output.probabilities else [None] * len(head.classes)
    )
    kept = () if output is None else output.kept or _best(output)
    said, tone = _answer(head, output, snapshot)
    return {
        "name": head.name,
        "title": wording.title(head),
        "answer": said,
        "tone": tone,
        "why": "" if output is None or snapshot.estimate is None else _doubt(snapshot.estimate, output),
        "classes": [
            {"name": name, "share": None if share is None else round(share, 3), "kept": index in kept}
            for index, (name, share) in enumerate(zip(head.classes, rows, strict=True))
        ],
    }


def _best(output: HeadOutput) -> tuple[int, ...]:
    return (output.classes.index(output.best),) if output.best is not None else ()


def _answer(head: Head, output: HeadOutput | None, snapshot: Snapshot) -> tuple[str, str]:
    if head.name == _SPEECH:
        status = wording.speech(snapshot)
    elif head.name == wording.FACE:
        status = wording.face_expression(snapshot)
    else:
        answered = output is not None and output.answered
        undecided = output is not None and bool(head.classes) and len(output.kept) == len(head.classes)
        return wording.head_answer(head, output), "idle" if undecided or not answered else "good"
    return status.text, status.tone


def _doubt(estimate: Estimate, output: HeadOutput) -> str:
    return wording.doubt(estimate, output) if output.answered else ""


def _plane(snapshot: Snapshot, history: History) -> dict[str, Any]:
    """Return the place on the plane of valence and arousal, its spread, and why it is hollow where it is."""
    estimate = snapshot.estimate
    felt = [None if estimate is None else estimate.answer(axis) for axis in _AXES]
    known = [head for head in felt if head is not None and head.probabilities is not None]
    place = [_moments(np.asarray(head.probabilities)) for head in known] if len(known) == len(_AXES) else None
    return {
        "at": place and [place[0][0], place[1][0]],
        "spread": place and [place[0][1], place[1][1]],
        "why": _why_hollow(estimate, known),
        "degraded": "" if estimate is None or estimate.degraded is None else f"less sure: {estimate.degraded}",
        "trail": _trail(history),
        "face": _face_place(estimate),
        "distance": _status(evidence.distance(estimate)),
    }


def _why_hollow(estimate: Estimate | None, known: Sequence[HeadOutput]) -> str:
    """Return why there is no place, or one on which nothing may rest; empty where the mark is full."""
    if estimate is None:
        return "no estimate yet"
    if len(known) < len(_AXES):
        heads = (estimate.head(axis) for axis in _AXES)
        reasons = (head.abstained for head in heads if head is not None and head.abstained)
        return next(reasons, "no model reads valence and arousal")
    return "; ".join(f"{one.name}: {why}" for one in known if (why := wording.why_undecided(one)))


def _moments(levels: FloatArray) -> tuple[float, float]:
    """Return mean and standard deviation of probabilities of low, medium and high over their places on -1..1."""
    mean = float(levels @ _PLACES)
    return round(mean, 3), round(math.sqrt(max(0.0, float(levels @ (_PLACES - mean) ** 2))), 3)


def _trail(history: History) -> list[list[float]]:
    if not len(history.times_s):
        return []
    recent = history.times_s >= history.times_s[-1] - TRAIL_S
    pairs = np.column_stack([history.valence[recent] @ _PLACES, history.arousal[recent] @ _PLACES])[-_TRAIL_POINTS:]
    return [[round(x, 3), round(y, 3)] for x, y in pairs.tolist()]


def _face_place(estimate: Estimate | None) -> list[float] | None:
    """Return valence and arousal of what the face expresses; None without an answer."""
    values = [None if estimate is None else estimate.answer(name) for name in wording.FACE_PLACE]
    known = [one.value for one in values if one is not None and one.value is not None]
    return [round(one, 3) for one in known] if len(known) == len(wording.FACE_PLACE) else None
