"""Live speech emotion recognition: an estimate per second of speech."""

from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from scipy.special import softmax

from ...configs.schema.errors import MoodringError
from ..contract import AUDIO_RATE_HZ, FloatArray, Head, HeadOutput, SpeechSegment
from ..contract.specs import NOT_FINITE, kept_classes
from ..io.bundle import Bundle
from ..networks.loading import with_weights
from ..networks.speech import Memory, SpeechNetwork, sizes_from
from ..signals.speech import segments as cutting
from ..signals.speech.microphone_level import QUIETEST_DB, rms_db
from ..signals.speech.segments import WINDOW_SAMPLES, UtteranceRules, UtteranceState
from ..signals.speech.speaker_verification import Verdict
from .recogniser import ARCHITECTURE, VoiceRecogniser
from .speaker import ANOTHER_VOICE, UNCLEAR_VOICE, VoiceGate
from .voice_activity import VoiceActivity, VoiceState
from .voice_activity import start as silent
from .voice_adaptation import VoiceHistory

LONGEST_GAP_S = 0.02


@dataclass(frozen=True)
class _CutterState:
    """State between two calls: samples of the incomplete window, voice activity and utterance."""

    rest: FloatArray
    expected_s: float | None
    voice: VoiceState
    utterance: UtteranceState
    level_db: float


def _initial_state() -> _CutterState:
    return _CutterState(np.zeros(0, np.float32), None, silent(), UtteranceState(), QUIETEST_DB)


class UtteranceCutter:
    """Voice activity and segmentation of a stream of samples, the same in training and live.

    Windows of 512 samples are counted from the first sample after a start or a gap, so how a stream is chopped into
    calls of :meth:`feed` changes nothing.

    Parameters
    ----------
    voice : VoiceActivity
    rules : UtteranceRules
    """

    def __init__(self, voice: VoiceActivity, rules: UtteranceRules | None = None) -> None:
        self._voice = voice
        self._rules = rules or UtteranceRules()
        self._state = _initial_state()

    @property
    def voiced(self) -> bool:
        """Whether an utterance is open."""
        return self._state.utterance.speaking

    @property
    def level_db(self) -> float:
        """Level of the last 32 ms in dB of full scale; -120 for silence."""
        return self._state.level_db

    def reset(self) -> None:
        """Reset to the start of a stream."""
        self._state = _initial_state()

    def feed(self, samples: FloatArray, start_s: float) -> tuple[SpeechSegment, ...]:
        """Process the next samples.

        Parameters
        ----------
        samples : (n,) float32
            Mono, 16 kHz, in -1..1; a value that is not finite counts as 0.
        start_s : float
            When the first of them was captured. More than 20 ms from where the samples before ended is a gap: it
            closes the utterance, and voice activity starts afresh.

        Returns
        -------
        tuple of SpeechSegment
            Those that these samples completed, stamped on the clock of ``start_s``.

        Raises
        ------
        MoodringError
            The samples are not one-dimensional.
        """
        if samples.ndim != 1:
            raise MoodringError(f"speech is decoded from mono samples (n,); an array of shape {samples.shape} came")
        if not len(samples):
            return ()
        done: list[SpeechSegment] = []
        expected_s = self._state.expected_s
        if expected_s is not None and abs(start_s - expected_s) > LONGEST_GAP_S:
            done.extend(self.close())
        state = self._state
        unread = np.concatenate((state.rest, np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)))
        heard_from_s = start_s - len(state.rest) / AUDIO_RATE_HZ
        voice, utterance = state.voice, state.utterance
        whole = len(unread) // WINDOW_SAMPLES * WINDOW_SAMPLES
        for stop in range(WINDOW_SAMPLES, whole + 1, WINDOW_SAMPLES):
            window = unread[stop - WINDOW_SAMPLES : stop].astype(np.float32)
            probability, voice = self._voice.step(voice, window)
            end_s = heard_from_s + stop / AUDIO_RATE_HZ
            segments, utterance = cutting.step(utterance, window, probability, end_s, self._rules)
            done.extend(segments)
        level_db = rms_db(unread[whole - WINDOW_SAMPLES : whole]) if whole else state.level_db
        self._state = _CutterState(
            unread[whole:], start_s + len(samples) / AUDIO_RATE_HZ, voice, utterance, level_db
        )  # fmt: skip
        return tuple(done)

    def close(self) -> tuple[SpeechSegment, ...]:
        """End the open utterance where the samples end, and start afresh; its last segment, if there is one."""
        segments, _ = cutting.close(self._state.utterance, self._rules)
        self._state = replace(_initial_state(), level_db=self._state.level_db)
        return segments


class SpeechModel(Protocol):
    """Protocol of a model that classifies an utterance segment by segment."""

    @property
    def adapts(self) -> bool:
        """Whether its answers can be relative to what was heard of the speaker."""
        ...

    # The memory is of the model's own type: it comes back as it was returned.
    def step(self, segment: SpeechSegment, memory: Any, voice: VoiceHistory | None, /) -> tuple[FloatArray, Any]:
        """Return logits ``(n_classes,)`` and the memory; ``memory`` is None at the start of an utterance.

        ``voice`` is what was heard of the speaker before it; None without adaptation.
        """
        ...

    def heard(self, memory: Any, voice: VoiceHistory, /) -> VoiceHistory:
        """Return the history with the utterance that has ended."""
        ...


class ConvolutionalLstm:
    """The network on raw segments, its state carried from segment to segment."""

    def __init__(self, network: SpeechNetwork, device: torch.device) -> None:
        self._network = network.to(device).eval()
        self._device = device

    adapts = False

    def step(
        self, segment: SpeechSegment, memory: Memory | None, _voice: VoiceHistory | None = None, /
    ) -> tuple[FloatArray, Memory]:
        """Process the next segment of an utterance; see :class:`SpeechModel`."""
        with torch.inference_mode():
            batch = torch.from_numpy(segment.samples).to(self._device)[None, None]
            logits, memory = self._network(batch, memory)
            last: FloatArray = logits[0, -1].float().cpu().numpy()
        return last, memory

    def heard(self, _memory: Memory | None, voice: VoiceHistory, /) -> VoiceHistory:
        """Return the history as it was: this model does not adapt."""
        return voice


class SpeechDecoder:
    """Decode a stream of 16 kHz samples with a speech bundle.

    The bundle's ``network["architecture"]`` says whether it holds a voice recogniser; without it, the CNN+LSTM.

    Parameters
    ----------
    bundle : Bundle
        Of kind "speech".
    device : torch.device
    gate : VoiceGate or None
        With one, what is not the enrolled voice is withheld: it is verified after each second, and nothing of it
        reaches the model.
    voice : VoiceHistory or None
        With one, and a bundle that can, answers are relative to what was heard of the speaker: this at the start, and
        every utterance once it has ended. What is withheld is not heard.

    Raises
    ------
    MoodringError
        The bundle is of another kind, or its weights do not fit its own sizes.
    """

    def __init__(
        self, bundle: Bundle, device: torch.device, gate: VoiceGate | None = None, voice: VoiceHistory | None = None
    ) -> None:
        if bundle.spec.kind != "speech":
            raise MoodringError(
                f"speech needs a bundle of kind 'speech'; '{bundle.name}' is of kind '{bundle.spec.kind}': "
                "give another one as models.speech"
            )
        self.spec = bundle.spec
        self.head = _head_of(bundle)
        self._model = model_of(bundle, device)
        self.start_voice = voice if self._model.adapts else None
        """What was heard of the speaker before the stream; None without adaptation."""
        self.voice = self.start_voice
        """What was heard of the speaker; None without adaptation."""
        self._cutter = UtteranceCutter(VoiceActivity())
        self._memory: Any = None
        self._last: HeadOutput | None = None
        self._gate = gate
        self._whose: Verdict | None = None
        self._ended = False

    @property
    def adapts(self) -> bool:
        """Whether answers are relative to what was heard of the speaker."""
        return self.start_voice is not None

    @property
    def voiced(self) -> bool:
        """Whether an utterance is open; it stays open over pauses under 0.5 s.

        With a gate, until the first second is verified, it counts as possibly the enrolled
        person.
        """
        return self._cutter.voiced and self._whose != "another"

    @property
    def withheld(self) -> str | None:
        """Reason why the present or last utterance is withheld; None where it is not."""
        return {"another": ANOTHER_VOICE, "unclear": UNCLEAR_VOICE}.get(self._whose or "")

    @property
    def level_db(self) -> float:
        """Level of the last 32 ms in dB of full scale; -120 for silence."""
        return self._cutter.level_db

    def reset(self, voice: VoiceHistory | None = None) -> None:
        """Reset to the start of a stream; of another speaker where one is given, else of the one at the start."""
        self._cutter.reset()
        self._forget()
        self._whose, self._ended = None, False
        self.voice = voice if self.adapts and voice is not None else self.start_voice

    def feed(self, samples: FloatArray, start_s: float) -> tuple[HeadOutput, ...]:
        """Process the next samples; see :meth:`UtteranceCutter.feed`.

        Returns
        -------
        tuple of HeadOutput
            One per second of speech that these samples completed, and a final one where an utterance ended; none in
            silence. Each covers its segment (``start_s`` to ``end_s``) in the light of the utterance so far.
        """
        if self._ended:
            self._whose, self._ended = None, False
        return tuple(estimate for segment in self._cutter.feed(samples, start_s) for estimate in self._take(segment))

    def close(self) -> tuple[HeadOutput, ...]:
        """End the open utterance where the samples end; its final estimate, if there is one."""
        return tuple(estimate for segment in self._cutter.close() for estimate in self._take(segment))

    def _take(self, segment: SpeechSegment) -> tuple[HeadOutput, ...]:
        """Decode a segment of the enrolled voice; where another voice takes over, end the utterance."""
        if self._gate is None:
            return (self._decode(segment),)
        before = None if segment.first else self._whose
        # A segment without samples of its own cannot be verified.
        self._whose = self._gate.step(segment) or before
        self._ended = segment.final
        if self._whose == "own":
            if before != "own":
                self._forget()
            return (self._decode(segment),)
        last = self._last if before == "own" else None
        self._forget()
        return () if last is None else (replace(last, final=True),)

    def _decode(self, segment: SpeechSegment) -> HeadOutput:
        if segment.first:
            self._forget()
        if self._last is not None and not segment.n_samples:
            # The pause closed the utterance right after a whole segment: its estimate stands.
            estimate = replace(self._last, end_s=segment.end_s, final=True)
        else:
            probabilities = self._infer(segment)
            head = self.head
            estimate = HeadOutput(
                head.name,
                head.construct,
                head.classes,
                probabilities,
                kept=kept_classes(np.asarray(probabilities), head.conformal_threshold)
                if head.conformal_threshold and probabilities is not None
                else (),
                abstained=NOT_FINITE if probabilities is None else None,
                start_s=segment.start_s,
                end_s=segment.end_s,
                final=segment.final,
            )
        self._last = estimate
        if segment.final and self.voice is not None:
            self.voice = self._model.heard(self._memory, self.voice)
        return estimate

    def _infer(self, segment: SpeechSegment) -> tuple[float, ...] | None:
        """Return the probabilities; None where the model's answer is no finite number."""
        logits, self._memory = self._model.step(segment, self._memory, self.voice)
        scaled = logits.astype(np.float64) / self.head.temperature
        return tuple(float(p) for p in softmax(scaled)) if np.isfinite(scaled).all() else None

    def _forget(self) -> None:
        self._memory, self._last = None, None


def _head_of(bundle: Bundle) -> Head:
    """Return the one head of a speech bundle; raise MoodringError where it has others, or no classes."""
    heads = bundle.spec.outputs
    if [head.name for head in heads] != ["speech"] or not heads[0].classes:
        came = ", ".join(f"'{head.name}' with {len(head.classes)} classes" for head in heads)
        raise MoodringError(f"bundle '{bundle.name}': one head 'speech' with classes was expected, {came} came")
    return heads[0]


def model_of(bundle: Bundle, device: torch.device) -> SpeechModel:
    """Return the model of a speech bundle.

    Raises
    ------
    MoodringError
        An unknown architecture, or arrays that do not fit.
    """
    architecture = bundle.spec.network.get("architecture")
    if architecture == ARCHITECTURE:
        return VoiceRecogniser(bundle)
    if architecture is None:
        return ConvolutionalLstm(network_of(bundle), device)
    raise MoodringError(
        f"bundle '{bundle.name}' holds a speech model of kind {architecture!r}; this moodring knows {ARCHITECTURE!r} "
        "and the CNN+LSTM: update moodring or use another bundle"
    )


def network_of(bundle: Bundle) -> SpeechNetwork:
    """Return the network of a speech bundle.

    Raises
    ------
    MoodringError
        Weights and sizes do not fit each other.
    """
    sizes, classes = sizes_from(bundle.spec.network), len(bundle.spec.head("speech").classes)
    return with_weights(lambda: SpeechNetwork(sizes, classes), bundle.tensors, bundle.name)
