"""Speech emotion recognition by a linear model on functionals of an utterance so far.

A bundle may hold what differs between women's and men's voices, and how much a voice is taken for either; and a second
model, on numbers relative to what was heard of the speaker before (:mod:`.voice_adaptation`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

import numpy as np

from ...configs.schema.errors import MoodringError
from ..contract import AUDIO_RATE_HZ, FloatArray, SpeechSegment
from ..io.bundle import Bundle
from ..signals.speech.voice_frames import N_COLUMNS, FrameState, frame_features
from ..signals.speech.voice_summary import VOICE_NUMBERS, functional_weights, functionals
from .voice_adaptation import SHORTEST_S, AdaptedModel, VoiceHistory

ARCHITECTURE = "voice summary"
"""Value of ``network["architecture"]`` in such a bundle."""
_TENSORS = ("mean", "scale", "weights", "bias", "clip")
_OF_SEXES = ("sex_weights", "tell_weights", "tell_bias")
_ADAPTED = "adapted_"
ADAPTED_TENSORS = tuple(f"{_ADAPTED}{one.name}" for one in fields(AdaptedModel))
"""Names of an :class:`AdaptedModel`'s arrays in a bundle, in the order of its fields."""
_FREEDOM = f"{_ADAPTED}freedom"
ADAPTED_TEMPERATURE = "adapted_temperature"
"""Key of ``network`` for the temperature of adapted logits."""


@dataclass(frozen=True)
class RecogniserState:
    """State of an utterance: samples of the next frame, features of the frames before, and the numbers so far."""

    frames: FrameState = field(default_factory=FrameState)
    rows: FloatArray = field(default_factory=lambda: np.zeros((0, N_COLUMNS), np.float32))
    numbers: FloatArray = field(default_factory=lambda: np.zeros(0, np.float32))
    seconds: float = 0.0


def measure(segment: SpeechSegment, memory: RecogniserState | None) -> RecogniserState:
    """Measure the next segment of an utterance; ``memory`` is None at its start."""
    before = memory or RecogniserState()
    # Segments are normalised by a level that changes as the utterance goes on; levels must stay comparable.
    samples = segment.samples[: segment.n_samples] * np.float32(segment.rms)
    rows, frames = frame_features(samples, before.frames)
    rows = np.concatenate((before.rows, rows))
    return RecogniserState(frames, rows, functionals(rows), before.seconds + segment.n_samples / AUDIO_RATE_HZ)


def history_of(segments: Sequence[SpeechSegment]) -> VoiceHistory:
    """Return the history of one speaker's segments of speech, utterance by utterance."""
    history, memory = VoiceHistory(), None
    for segment in segments:
        if segment.n_samples:
            memory = measure(segment, None if segment.first else memory)
        if segment.final:
            history, memory = _with(memory, history), None
    return history


def _with(memory: RecogniserState | None, history: VoiceHistory) -> VoiceHistory:
    """Return the history with an utterance that has ended; without it where it was too short to tell of the voice."""
    return history.heard(memory.numbers) if memory is not None and memory.seconds >= SHORTEST_S else history


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
        table, row, classes = (n_numbers, n_classes), (n_numbers,), (n_classes,)
        expected: dict[str, tuple[int, ...]] = dict(zip(_TENSORS, (row, row, table, classes, ()), strict=True))
        came = {name: tuple(tensor.shape) for name, tensor in bundle.tensors.items()}
        if came.keys() & set(_OF_SEXES):
            expected |= dict(zip(_OF_SEXES, (table, row, ()), strict=True))
        adapts = bool(came.keys() & set(ADAPTED_TENSORS))
        if adapts:
            shapes = (row, (), table, classes, (n_classes, n_classes), (n_classes, n_classes), ())
            expected |= dict(zip(ADAPTED_TENSORS, shapes, strict=True))
            if _FREEDOM not in came:  # A bundle with Gaussians, which answers as it did.
                del expected[_FREEDOM]
        if came != expected:
            raise MoodringError(
                f"bundle '{bundle.name}': its arrays have shapes {came}, this moodring needs {expected}; train it again"
            )
        self._arrays = {name: tensor.float().numpy() for name, tensor in bundle.tensors.items()}
        there = {name.removeprefix(_ADAPTED): self._arrays[name] for name in ADAPTED_TENSORS if name in came}
        self._adapted = AdaptedModel(**there) if adapts else None
        temperature = bundle.spec.network.get(ADAPTED_TEMPERATURE)
        if adapts and not (isinstance(temperature, float | int) and temperature > 0):
            raise MoodringError(
                f"bundle '{bundle.name}' can adapt, but says no temperature above 0 for that (came {temperature}); "
                "train it again"
            )
        self._relative_temperature = float(temperature or 1.0) / bundle.spec.head("speech").temperature

    @property
    def adapts(self) -> bool:
        """Whether the bundle holds a model on numbers relative to the speaker."""
        return self._adapted is not None

    def step(
        self, segment: SpeechSegment, memory: RecogniserState | None, voice: VoiceHistory | None = None, /
    ) -> tuple[FloatArray, RecogniserState]:
        """Process the next segment of an utterance.

        Parameters
        ----------
        segment : SpeechSegment
        memory : RecogniserState or None
            After the segments before; None at the start of an utterance.
        voice : VoiceHistory or None
            What was heard of the speaker before this utterance; None answers without adaptation.

        Returns
        -------
        logits : (n_classes,) float32
            For the head's temperature.
        memory : RecogniserState
        """
        after = measure(segment, memory)
        return self.logits(after.numbers, voice), after

    def logits(self, numbers: FloatArray, voice: VoiceHistory | None) -> FloatArray:
        """Return the logits of an utterance's numbers; see :meth:`step`."""
        if voice is None or self._adapted is None:
            return self._logits(numbers)
        heard = np.concatenate((voice.numbers, numbers[None]))
        standardised = (heard - self._arrays["mean"]) / self._arrays["scale"]
        logits = self._adapted.logits(standardised, float(self._arrays["clip"]))
        return (logits / self._relative_temperature).astype(np.float32)

    def heard(self, memory: RecogniserState | None, voice: VoiceHistory, /) -> VoiceHistory:
        """Return the history with the utterance that has ended."""
        return _with(memory, voice)

    def _logits(self, numbers: FloatArray) -> FloatArray:
        model = self._arrays
        x = np.clip((numbers - model["mean"]) / model["scale"], -model["clip"], model["clip"])
        logits: FloatArray = x @ model["weights"] + model["bias"]
        if "sex_weights" in model:
            side = np.clip(x @ model["tell_weights"] + model["tell_bias"], -1.0, 1.0)
            logits = logits + side * (x @ model["sex_weights"])
        return logits
