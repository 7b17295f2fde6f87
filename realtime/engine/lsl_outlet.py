"""LSL outlets of estimates and health."""

import json
import socket
from collections.abc import Sequence

import numpy as np
import pylsl

from ...configs.schema.session_folder import HEALTH_SUFFIX
from ...models.contract import Estimate, FloatArray, Head, Transition, Withheld
from ...models.decoders.session_models import DEMONSTRATION
from ...models.io import wire

LAYOUT_VERSION = "4"
"""Of the channels and their description; 1 had no channels that say how far an answer may be used, 2 none that say what
would be said without EEG, face or the last look, 3 none of what the face expresses. Later ones stand behind."""
ADDED = "expressed in the face"
"""Construct of the heads whose channels are the last, so that those of earlier layouts stay where they were."""
SPEAKS = "participant_speaks"
SPEAKS_MEANS = (
    "1 while the participant speaks: valence and arousal are less sure then (moving mouth, muscles in the EEG)"
)
POOLED_MEANS = (
    "pooled_ channels: one estimate from face, EEG (felt) and voice (expressed), beside both; voice_share_ channels: "
    "the voice's share of the evidence in it, 0..1, the rest is that of face and EEG"
)

MEANINGS = (
    ("abstained", "<head>_abstained: 1 where the head withholds its answer, or cannot exclude any class; else 0"),
    (
        "kept",
        "<head>_kept_<class>: 1 where the class cannot be excluded, else 0; NaN where there is no such set",
    ),
    ("calibrated", "1 where enough rest was recorded to normalise the signals to this person"),
    ("demonstration", "1 where a model of simulated people answers about somebody else: no answer means anything then"),
    ("age", "age_<modality>: seconds from what the answer rests on to its publication; NaN where it is not used"),
    (
        "without",
        "<head>_without_<part>_<class>: what the model would say without EEG, face or its last look (eeg, face, "
        "last_look); no answer of its own; NaN where that is not known",
    ),
)
_OF_ALL = ("calibrated", "demonstration")


def estimate_labels(heads: Sequence[Head]) -> tuple[str, ...]:
    """Return the names of the outlet's first channels, and of the columns of the estimates' ring.

    ``<head>_<class>`` for every class and ``<head>`` for a scale, in the order of the heads; those of heads that fuse
    others come after ``participant_speaks``, with ``<side>_share_<head without "pooled_">`` at the end.
    """
    own, fused = [head for head in heads if not head.shares], [head for head in heads if head.shares]
    shares = (f"{side}_share_{head.name.removeprefix('pooled_')}" for head in fused for side in head.shares)
    return (*_answer_labels(own), SPEAKS, *_answer_labels(fused), *shares)


def estimate_row(estimate: Estimate, heads: Sequence[Head]) -> FloatArray:
    """Return an estimate as one row, by the columns of :func:`estimate_labels`; NaN for what is absent."""
    own, fused = [head for head in heads if not head.shares], [head for head in heads if head.shares]
    speaking = np.nan if estimate.hearing is None else float(estimate.hearing.speaking)
    outputs = [(head, estimate.answer(head.name)) for head in fused]
    shares = [np.nan if one is None else one.shares[side] for head, one in outputs for side in head.shares]
    return np.array([*_answers(estimate, own), speaking, *_answers(estimate, fused), *shares], np.float32)


def outlet_labels(heads: Sequence[Head], modalities: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the outlet's channels: those of :func:`estimate_labels`, and how far each may be used.

    For every head ``<head>_abstained`` and ``<head>_kept_<class>``, then ``calibrated``, ``demonstration`` and
    ``age_<modality>`` for every input of the models; then ``<head>_without_<part>_<class>`` for felt heads. At last all
    of the heads of what the face expresses.
    """
    first, added = _parted(heads)
    ages = (f"age_{modality}" for modality in modalities)
    without = (
        f"{head.name}_without_{part}_{name}" for head, part in _ablated(heads, modalities) for name in head.classes
    )
    before = (*estimate_labels(first), *_trust_labels(first), *_OF_ALL, *ages, *without)
    return (*before, *_answer_labels(added), *_trust_labels(added))


def outlet_row(estimate: Estimate, heads: Sequence[Head], modalities: Sequence[str]) -> FloatArray:
    """Return an estimate as one row, by the columns of :func:`outlet_labels`; NaN for what is absent."""
    first, added = _parted(heads)
    flags = [float(estimate.calibrated), float(DEMONSTRATION in estimate.notices)]
    ages = [estimate.ages_s.get(modality, np.nan) for modality in modalities]
    told = {one.without: one.probabilities for one in estimate.ablations}
    without = [
        probability
        for head, part in _ablated(heads, modalities)
        for probability in told.get(part, {}).get(head.name, (np.nan,) * len(head.classes))
    ]
    rest = [*_trust(estimate, first), *flags, *ages, *without, *_answers(estimate, added), *_trust(estimate, added)]
    return np.concatenate([estimate_row(estimate, first), np.array(rest, np.float32)])


def _parted(heads: Sequence[Head]) -> tuple[list[Head], list[Head]]:
    """Return the heads of earlier layouts, and those whose channels stand behind all others."""
    return [head for head in heads if head.construct != ADDED], [head for head in heads if head.construct == ADDED]


def _trust_labels(heads: Sequence[Head]) -> list[str]:
    return [f"{head.name}_{flag}" for head in heads for flag in ("abstained", *_kept_names(head))]


def _trust(estimate: Estimate, heads: Sequence[Head]) -> list[float]:
    """Return whether each head withholds its answer, and which classes it keeps."""
    row: list[float] = []
    for head in heads:
        output = estimate.head(head.name)
        answered = output is not None and output.answered
        row.append(float(output is None or not answered or output.abstained is not None))
        sets = output is not None and answered and len(output.kept) > 0
        row += [float(i in output.kept) if output is not None and sets else np.nan for i in range(len(head.classes))]
    return row


def _ablated(heads: Sequence[Head], modalities: Sequence[str]) -> list[tuple[Head, Withheld]]:
    """Return the felt heads with each part that may be withheld from them and leave something to answer from."""
    needs: dict[Withheld, set[str]] = {"eeg": {"eeg", "face"}, "face": {"eeg", "face"}, "last_look": {"face"}}
    parts = [part for part, needed in needs.items() if needed <= set(modalities)]
    felt = [head for head in heads if head.construct == "felt" and head.classes and not head.shares]
    return [(head, part) for head in felt for part in parts]


def _answer_labels(heads: Sequence[Head]) -> tuple[str, ...]:
    return tuple(
        label
        for head in heads
        for label in ([f"{head.name}_{c}" for c in head.classes] if head.classes else [head.name])
    )


def _answers(estimate: Estimate, heads: Sequence[Head]) -> list[float]:
    row: list[float] = []
    for head in heads:
        output = estimate.answer(head.name)
        if not head.classes:
            row.append(np.nan if output is None or output.value is None else output.value)
        elif output is None or output.probabilities is None:
            row += [np.nan] * len(head.classes)
        else:
            named = dict(zip(output.classes, output.probabilities, strict=True))
            row += [named.get(name, np.nan) for name in head.classes]
    return row


def _units(heads: Sequence[Head], modalities: Sequence[str]) -> dict[str, str]:
    """Return the unit of each channel that is no probability."""
    scales = {head.name: f"{head.scale[0]:g}..{head.scale[1]:g}" for head in heads if head.scale is not None}
    shares = {label: "share" for label in estimate_labels(heads) if "_share_" in label}
    flags = {f"{head.name}_{flag}": "flag" for head in heads for flag in ("abstained", *_kept_names(head))}
    ages = {f"age_{modality}": "seconds" for modality in modalities}
    return {SPEAKS: "flag", **dict.fromkeys(_OF_ALL, "flag"), **flags, **ages, **shares, **scales}


def _kept_names(head: Head) -> tuple[str, ...]:
    return tuple(f"kept_{name}" for name in head.classes)


def source_id(stream: str, engine: str) -> str:
    """Return the ``source_id`` of an engine's stream: stable over restarts, different on other machines."""
    return f"{stream}-{engine}-{socket.gethostname()}"


class Outlet:
    """Two LSL streams: estimates, stamped with their data times, and the health of the sources as markers.

    Parameters
    ----------
    name : str
        Of the estimates' stream.
    engine : str
        The session's name. Together with the computer's it makes the ``source_id``: two engines are two streams, and
        an engine that is started again is the same one for those who were reading it.
    heads : tuple of Head
        Of the session.
    meanings : tuple of (str, str)
        For the description: target, domain, bundle, notice.
    modalities : tuple of str
        Inputs of the models, whose ages are sent.
    """

    def __init__(
        self,
        name: str,
        engine: str,
        heads: tuple[Head, ...],
        meanings: tuple[tuple[str, str], ...],
        modalities: tuple[str, ...] = (),
    ) -> None:
        self._heads = heads
        self._modalities = modalities
        labels, units = outlet_labels(heads, modalities), _units(heads, modalities)
        # Decision times may be skipped, so the rate is irregular.
        info = pylsl.StreamInfo(
            name, "Emotion", len(labels), pylsl.IRREGULAR_RATE, pylsl.cf_float32, source_id(name, engine)
        )
        channels = info.desc().append_child("channels")
        for label in labels:
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", units.get(label, "probability"))
            channel.append_child_value("type", "Emotion")
        about = info.desc().append_child("moodring")
        about.append_child_value("version", LAYOUT_VERSION)
        about.append_child_value("engine", engine)
        classes = about.append_child("classes")
        for head in heads:
            if not head.shares:
                classes.append_child_value(head.name, ",".join(head.classes))
        for key, value in ((SPEAKS, SPEAKS_MEANS), *MEANINGS):
            about.append_child_value(key, value)
        if any(head.shares for head in heads):
            about.append_child_value("pooled", POOLED_MEANS)
        for key, value in meanings:
            about.append_child_value(key, value)
        self._estimates = pylsl.StreamOutlet(info)
        health = f"{name}{HEALTH_SUFFIX}"
        info = pylsl.StreamInfo(health, "Markers", 1, pylsl.IRREGULAR_RATE, pylsl.cf_string, source_id(health, engine))
        info.desc().append_child("moodring").append_child_value("format", "json: source, state, why, figures, error")
        self._health = pylsl.StreamOutlet(info)

    def push(self, estimate: Estimate) -> None:
        """Send an estimate."""
        self._estimates.push_sample(outlet_row(estimate, self._heads, self._modalities).tolist(), estimate.time_s)

    def push_health(self, modality: str, change: Transition) -> None:
        """Send a change of a source's health, stamped now."""
        self._send(health_marker(modality, change))

    def push_recording(self, why: str, time_s: float) -> None:
        """Send news of the recording on the stream of health."""
        self._send(
            json.dumps({"source": "recording", "state": "news", "why": why, "time_s": time_s}, separators=(",", ":"))
        )

    def _send(self, text: str) -> None:
        self._health.push_sample([text])


def health_marker(modality: str, change: Transition) -> str:
    """Return a source's health as JSON with the keys ``source, state, why, time_s, figures, error``."""
    return json.dumps({"source": modality, **json.loads(wire.encode(change))}, separators=(",", ":"))
