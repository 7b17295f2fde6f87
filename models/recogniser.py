"""Emotion from what is measured of a voice: a linear model on the summary of an utterance so far."""

from dataclasses import dataclass, field

import numpy as np

from ..configs.errors import MoodringError
from .bundle import Bundle
from .contract import FloatArray, SpeechSegment
from .signals.voice_frames import N_COLUMNS, FrameState, measure
from .signals.voice_summary import summarise, weights

ARCHITECTURE = "voice summary"
"""What such a bundle's ``network["architecture"]`` says."""
_TENSORS = ("mean", "scale", "weights", "bias", "clip")


@dataclass(frozen=True)
class Heard:
    """An utterance so far: samples of the next frame, and what was measured of the frames before."""

    frames: FrameState = field(default_factory=FrameState)
    rows: FloatArray = field(default_factory=lambda: np.zeros((0, N_COLUMNS), np.float32))


class VoiceRecogniser:
    """Judge an utterance after each of its segments.

    Parameters
    ----------
    bundle : Bundle
        Whose ``network["architecture"]`` is :data:`ARCHITECTURE`.

    Raises
    ------
    MoodringError
        The bundle's arrays do not fit what is measured, or its classes.
    """

    def __init__(self, bundle: Bundle) -> None:
        n_numbers, n_classes = len(weights()), len(bundle.spec.classes)
        expected = dict(
            zip(_TENSORS, ((n_numbers,), (n_numbers,), (n_numbers, n_classes), (n_classes,), ()), strict=True)
        )
        came = {name: tuple(tensor.shape) for name, tensor in bundle.tensors.items()}
        if came != expected:
            raise MoodringError(
                f"bundle '{bundle.name}': its arrays have shapes {came}, this moodring needs {expected}; train it again"
            )
        self._mean, self._scale, self._weights, self._bias = (
            bundle.tensors[name].float().numpy() for name in _TENSORS[:4]
        )
        self._clip = float(bundle.tensors["clip"])

    def judge(self, segment: SpeechSegment, memory: Heard | None) -> tuple[FloatArray, Heard]:
        """Take an utterance's next segment.

        Parameters
        ----------
        segment : SpeechSegment
        memory : Heard or None
            After the segments before; None at the start of an utterance.

        Returns
        -------
        logits : (n_classes,) float32
        memory : Heard
        """
        before = memory or Heard()
        # Segments are normalised by a level that changes as the utterance goes on; levels must stay comparable.
        samples = segment.samples[: segment.n_samples] * np.float32(segment.rms)
        rows, frames = measure(samples, before.frames)
        heard = Heard(frames, np.concatenate((before.rows, rows)))
        numbers = np.clip((summarise(heard.rows) - self._mean) / self._scale, -self._clip, self._clip)
        logits: FloatArray = numbers @ self._weights + self._bias
        return logits, heard
