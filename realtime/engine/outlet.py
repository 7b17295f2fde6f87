"""Estimates and health on LSL, for other programs and for the recording."""

import json
import socket

import numpy as np
import pylsl

from ...configs.schema.session_folder import HEALTH_SUFFIX
from ...models.contract import LEVELS, Estimate, FloatArray, Modality, Transition
from ...models.io import wire

SPEAKS_MEANS = (
    "1 while the participant speaks: valence and arousal are less sure then (moving mouth, muscles in the EEG)"
)
VOICE_SHARES = ("voice_share_valence", "voice_share_arousal")
POOLED_MEANS = (
    "pooled_ channels: one estimate from face, EEG (felt) and voice (expressed), beside both; voice_share_ channels: the "
    "voice's share of the evidence in it, 0..1, the rest is that of face and EEG"
)
_UNITS = {"participant_speaks": "flag", **dict.fromkeys(VOICE_SHARES, "share")}


def estimate_labels(speech_classes: tuple[str, ...], pooling: bool = False) -> tuple[str, ...]:
    """Name the columns of the outlet and of the estimates' ring; those of ``pooling`` come last."""
    levels = tuple(f"{axis}_{level}" for axis in ("valence", "arousal") for level in LEVELS)
    more = (*(f"pooled_{level}" for level in levels), *VOICE_SHARES) if pooling else ()
    return (*levels, *(f"speech_{name}" for name in speech_classes), "participant_speaks", *more)


def estimate_row(estimate: Estimate, speech_classes: tuple[str, ...], pooling: bool = False) -> FloatArray:
    """Lay an estimate out as one row; NaN for what is absent."""
    row = np.full(len(estimate_labels(speech_classes, pooling)), np.nan, np.float32)
    flag = 2 * len(LEVELS) + len(speech_classes)
    if estimate.readout is not None:
        row[:3], row[3:6] = estimate.readout.valence, estimate.readout.arousal
    if estimate.speech is not None:
        said = dict(zip(estimate.speech.classes, estimate.speech.probabilities, strict=True))
        row[6:flag] = [said.get(name, np.nan) for name in speech_classes]
    if estimate.hearing is not None:
        row[flag] = estimate.hearing.speaking
    pooled = estimate.pooled
    if pooling and pooled is not None:
        shares = (pooled.voice_share_valence, pooled.voice_share_arousal)
        row[flag + 1 :] = (*pooled.valence, *pooled.arousal, *shares)
    return row


def source_id(stream: str, engine: str) -> str:
    """Make the ``source_id`` of an engine's stream: the same when the engine is started again, another elsewhere."""
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
    speech_classes : tuple of str
    meanings : tuple of (str, str)
        For the description: target, domain, bundle, notice.
    pooling : bool
        Whether estimates are pooled: more channels then.
    """

    def __init__(
        self,
        name: str,
        engine: str,
        speech_classes: tuple[str, ...],
        meanings: tuple[tuple[str, str], ...],
        pooling: bool = False,
    ) -> None:
        self._classes = speech_classes
        self._pooling = pooling
        labels = estimate_labels(speech_classes, pooling)
        # Decision times may be skipped, so the rate is irregular.
        info = pylsl.StreamInfo(
            name, "Emotion", len(labels), pylsl.IRREGULAR_RATE, pylsl.cf_float32, source_id(name, engine)
        )
        channels = info.desc().append_child("channels")
        for label in labels:
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", _UNITS.get(label, "probability"))
            channel.append_child_value("type", "Emotion")
        about = info.desc().append_child("moodring")
        about.append_child_value("engine", engine)
        classes = about.append_child("classes")
        for axis in ("valence", "arousal"):
            classes.append_child_value(axis, ",".join(LEVELS))
        classes.append_child_value("speech", ",".join(speech_classes))
        about.append_child_value("participant_speaks", SPEAKS_MEANS)
        if pooling:
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
        self._estimates.push_sample(estimate_row(estimate, self._classes, self._pooling).tolist(), estimate.time_s)

    def push_health(self, modality: Modality, change: Transition) -> None:
        """Send how a source does, stamped now."""
        self._send(health_marker(modality, change))

    def push_recording(self, why: str, time_s: float) -> None:
        """Send news of the recording on the stream of health."""
        self._send(
            json.dumps({"source": "recording", "state": "news", "why": why, "time_s": time_s}, separators=(",", ":"))
        )

    def _send(self, text: str) -> None:
        self._health.push_sample([text])


def health_marker(modality: Modality, change: Transition) -> str:
    """Write a source's health as one line of JSON: keys ``source, state, why, time_s, figures, error``."""
    return json.dumps({"source": modality, **json.loads(wire.encode(change))}, separators=(",", ":"))
