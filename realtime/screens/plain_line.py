"""A snapshot as one line of plain text, for files and pipes."""

from ...models.contract import Estimate, Head, HeadOutput, SourceStatus
from ..ipc.snapshot import Snapshot
from . import evidence, wording


def line(snapshot: Snapshot | None, silent_s: float = 0.0, why: str = "") -> str:
    """Return a snapshot as one line of text."""
    if snapshot is None:
        return "waiting for an engine" + (f": {why}" if why else "")
    parts = [f"{wording.clock(snapshot.elapsed_s)} {wording.phase(snapshot).text}"]
    if silent_s > 1.0 and snapshot.phase != "ended":
        parts = [f"engine '{snapshot.engine}' has not answered for {silent_s:.0f} s; the last it said: {parts[0]}"]
    answers = [None if snapshot.estimate is None else snapshot.estimate.answer(axis) for axis in ("valence", "arousal")]
    felt = [head for head in answers if head is not None]
    parts += [f"{head.name} {_answer_line(head)}" for head in felt]
    if not felt and (why := _no_answer(snapshot.estimate)):
        parts.append(f"valence and arousal: {why}")
    parts.append(f"voice {wording.speech(snapshot).text}")
    parts += [text.text for text in (followed(snapshot),) if text is not None]
    parts += _pooled_line(snapshot.estimate)
    parts += [text for text in (evidence.ablations(snapshot.estimate), evidence.policy(snapshot.estimate)) if text]
    if (distance := evidence.distance(snapshot.estimate)) is not None:
        parts.append(f"EEG {distance.text}")
    parts += [f"{head.name} {head_words(head, output)}" for head, output in wording.further_heads(snapshot)]
    if (recording := wording.recording(snapshot)) is not None:
        parts.append(recording.text)
    parts.append(", ".join(_source_line(source) for source in snapshot.sources))
    if snapshot.latency_ms is not None:
        parts.append(f"latency {snapshot.latency_ms.p50:.0f}/{snapshot.latency_ms.p99:.0f} ms")
        parts.append(f"information age {wording.information_ages(snapshot)}")
    if snapshot.skipped_decisions:
        parts.append(f"{snapshot.skipped_decisions} decisions skipped")
    return " | ".join([*parts, *notices(snapshot)])


def _no_answer(estimate: Estimate | None) -> str:
    """Return why neither valence nor arousal has an answer; empty where there is no such head yet."""
    heads = () if estimate is None else (estimate.head("valence"), estimate.head("arousal"))
    return next((head.abstained for head in heads if head is not None and head.abstained), "")


def _pooled_line(estimate: Estimate | None) -> list[str]:
    if estimate is None:
        return []
    return [
        f"pooled {axis} {_answer_line(head)}, weight {wording.whose_weight(estimate, head.shares['voice'])}"
        for axis, head in wording.pooled_answers(estimate)
    ]


def _source_line(status: SourceStatus) -> str:
    text = f"{wording.source_title(status.modality)} {wording.health(status).text}"
    why = wording.trouble(status) or wording.drift(status)
    return f"{text} ({why})" if why else text


def _answer_line(head: HeadOutput) -> str:
    figures = " ".join(f"{name} {p:.0%}" for name, p in zip(head.classes, head.probabilities or (), strict=True))
    return f"{wording.answer(head.kept)} ({figures})"


def notices(snapshot: Snapshot) -> tuple[str, ...]:
    """Return the permanent notices of snapshot and estimate, each once."""
    own = snapshot.notices + (() if snapshot.estimate is None else snapshot.estimate.notices)
    return tuple(dict.fromkeys(own))


def head_words(head: Head, output: HeadOutput | None) -> str:
    """Return the answer of a head with the probability of each class."""
    words = wording.head_answer(head, output)
    if output is None or output.probabilities is None:
        return words
    shares = " ".join(f"{name} {p:.0%}" for name, p in zip(head.classes, output.probabilities, strict=True))
    return f"{words} ({shares})"


def followed(snapshot: Snapshot) -> wording.StatusText | None:
    """Return whose face the last look saw; None where it saw no picture."""
    look = snapshot.look
    return None if look is None or look.face_state is None else wording.face(look)
