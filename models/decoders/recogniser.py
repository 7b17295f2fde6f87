"""Speech emotion recognition by a linear model on functionals of an utterance so far.

A bundle may hold what differs between women's and men's voices, and how much a voice is taken for either.
"""

from dataclasses import dataclass, field

import numpy as np

from ...configs.schema.errors import MoodringError
from ..contract import FloatArray, SpeechSegment
from ..io.bundle import Bundle
from ..signals.speech.voice_frames import N_COLUMNS, FrameState, frame_features
from ..signals.speech.voice_summary import VOICE_NUMBERS, functional_weights, functionals

ARCHITECTURE = "voice summary"
"""Value of ``network["architecture"]`` in such a bundle."""
_TENSORS = ("mean", "scale", "weights", "bias", "clip")
_OF_SEXES = ("sex_weights", "tell_weights", "tell_bias")


@dataclass(frozen=True)
class RecogniserState:
    """State of an utterance: samples of the next frame, and features of the frames before."""

    frames: FrameState = field(default_factory=FrameState)
    rows: FloatArray = field(default_factory=lambda: np.zeros((0, N_COLUMNS), np.float32))


class VoiceRecogniser:
    """Read an utterance segment by segment.

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
        made_with = bundle.spec.network.get("voice_numbers", 1)
        if made_with != VOICE_NUMBERS:
            raise MoodringError(
                f"bundle '{bundle.name}' was trained on version {made_with} of what is measured of a voice, this "
                f"moodring measures version {VOICE_NUMBERS}; train it again"
            )
        n_numbers, n_classes = len(functional_weights()), len(bundle.spec.head("speech").classes)
        shapes = ((n_numbers,), (n_numbers,), (n_numbers, n_classes), (n_classes,), ())
        expected = dict(zip(_TENSORS, shapes, strict=True))
        came = {name: tuple(tensor.shape) for name, tensor in bundle.tensors.items()}
        if came.keys() & set(_OF_SEXES):
            expected |= dict(zip(_OF_SEXES, ((n_numbers, n_classes), (n_numbers,), ()), strict=True))
        if came != expected:
            raise MoodringError(
                f"bundle '{bundle.name}': its arrays have shapes {came}, this moodring needs {expected}; train it again"
            )
        self._arrays = {name: tensor.float().numpy() for name, tensor in bundle.tensors.items()}

    def step(self, segment: SpeechSegment, memory: RecogniserState | None) -> tuple[FloatArray, RecogniserState]:
        """Process the next segment of an utterance.

        Parameters
        ----------
        segment : SpeechSegment
        memory : RecogniserState or None
            After the segments before; None at the start of an utterance.

        Returns
        -------
        logits : (n_classes,) float32
        memory : RecogniserState
        """
        before = memory or RecogniserState()
        # Segments are normalised by a level that changes as the utterance goes on; levels must stay comparable.
        samples = segment.samples[: segment.n_samples] * np.float32(segment.rms)
        rows, frames = frame_features(samples, before.frames)
        after = RecogniserState(frames, np.concatenate((before.rows, rows)))
        return self._logits(functionals(after.rows)), after

    def _logits(self, numbers: FloatArray) -> FloatArray:
        model = self._arrays
        x = np.clip((numbers - model["mean"]) / model["scale"], -model["clip"], model["clip"])
        logits: FloatArray = x @ model["weights"] + model["bias"]
        if "sex_weights" in model:
            side = np.clip(x @ model["tell_weights"] + model["tell_bias"], -1.0, 1.0)
            logits = logits + side * (x @ model["sex_weights"])
        return logits
