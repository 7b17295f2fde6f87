"""Estimates and health on LSL, for other programs and for the recording."""

import numpy as np
import pylsl

from ..configs.session_folder import HEALTH_SUFFIX
from ..models.contract import LEVELS, Estimate, FloatArray, Modality
from .snapshot import Transition


def estimate_labels(speech_classes: tuple[str, ...]) -> tuple[str, ...]:
    """Name the columns of the outlet and of the estimates' ring."""
    levels = tuple(f"{axis}_{level}" for axis in ("valence", "arousal") for level in LEVELS)
    return levels + tuple(f"speech_{name}" for name in speech_classes)


def estimate_row(estimate: Estimate, speech_classes: tuple[str, ...]) -> FloatArray:
    """Lay an estimate out as one row; NaN for what is absent."""
    row = np.full(2 * len(LEVELS) + len(speech_classes), np.nan, np.float32)
    if estimate.readout is not None:
        row[:3], row[3:6] = estimate.readout.valence, estimate.readout.arousal
    if estimate.speech is not None:
        said = dict(zip(estimate.speech.classes, estimate.speech.probabilities, strict=True))
        row[6:] = [said.get(name, np.nan) for name in speech_classes]
    return row


class Outlet:
    """Two LSL streams: estimates, stamped with their data times, and changes of health as markers.

    Parameters
    ----------
    name : str
        Of the estimates' stream.
    speech_classes : tuple of str
    meanings : tuple of (str, str)
        For the description: target, domain, bundle, notice.
    """

    def __init__(self, name: str, speech_classes: tuple[str, ...], meanings: tuple[tuple[str, str], ...]) -> None:
        self._classes = speech_classes
        labels = estimate_labels(speech_classes)
        # Decision times may be skipped, so the rate is irregular.
        info = pylsl.StreamInfo(name, "Emotion", len(labels), pylsl.IRREGULAR_RATE, pylsl.cf_float32, f"{name}-outlet")
        channels = info.desc().append_child("channels")
        for label in labels:
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", "probability")
            channel.append_child_value("type", "Emotion")
        about = info.desc().append_child("moodring")
        for key, value in meanings:
            about.append_child_value(key, value)
        self._estimates = pylsl.StreamOutlet(info)
        health = f"{name}{HEALTH_SUFFIX}"
        self._health = pylsl.StreamOutlet(
            pylsl.StreamInfo(health, "Markers", 1, pylsl.IRREGULAR_RATE, pylsl.cf_string, f"{health}-outlet")
        )

    def push(self, estimate: Estimate) -> None:
        """Send an estimate."""
        self._estimates.push_sample(estimate_row(estimate, self._classes).tolist(), estimate.time_s)

    def push_health(self, modality: Modality, change: Transition) -> None:
        """Send a change of health."""
        self.push_marker(f"{modality} {change.state}: {change.why}")

    def push_marker(self, text: str) -> None:
        """Send a line on the stream of health."""
        self._health.push_sample([text])
