"""Utterances of simulated people to learn speech from, found and cut exactly as they are live."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....models.contract import AUDIO_RATE_HZ, FloatArray, SpeechSegment
from ....models.decoders.speech import UtteranceCutter
from ....models.decoders.voice_activity import VoiceActivity
from ...simulate.difficulty import Difficulty
from ...simulate.latents import simulate_latents
from ...simulate.voice import Utterance, plan_voice, render_voice
from ..common.utterances import LabelledUtterance

CLASSES = ("anger", "happiness", "neutral", "sadness")
_BLOCK_SAMPLES = AUDIO_RATE_HZ
_GRID_HZ = 100


@dataclass(frozen=True)
class VoiceActivityScores:
    """Scores of voice activity detection over one person's session.

    Attributes
    ----------
    recall, false_alarm : float
        Share of the spoken and of the silent time that was taken for speech.
    missed, false : int
        Simulated utterances of which nothing was found, and found ones where nobody spoke.
    """

    recall: float
    false_alarm: float
    missed: int
    false: int


def simulate_utterances(
    seed: int, seconds: float, difficulty: Difficulty, voice: VoiceActivity
) -> tuple[list[LabelledUtterance], VoiceActivityScores]:
    """Simulate one person's voice and find the utterances in it.

    Each has the label, valence and arousal of the simulated utterance that it overlaps most; what overlaps none is
    left out.
    """
    latents = simulate_latents(seed, seconds, difficulty)
    planned = plan_voice(seed, seconds, latents, difficulty)
    audio = render_voice(seed, seconds, planned, difficulty)
    found = find_utterances(audio, voice)
    truth = np.array([(one.start_s, one.stop_s) for one in planned]).reshape(-1, 2)
    overlaps = [np.minimum(stop, truth[:, 1]) - np.maximum(start, truth[:, 0]) for start, stop in found]
    utterances = [
        _labelled(seed, planned[int(np.argmax(overlap))], audio[_sample(start) : _sample(stop)])
        for (start, stop), overlap in zip(found, overlaps, strict=True)
        if overlap.max(initial=0.0) > 0.0
    ]
    missed = _count_missed(overlaps, len(planned))
    return utterances, _score_detection(truth, found, seconds, missed, len(found) - len(utterances))


def find_utterances(audio: FloatArray, voice: VoiceActivity) -> list[tuple[float, float]]:
    """Return start and end in seconds of every utterance that voice activity finds in a recording."""
    cutter = UtteranceCutter(voice)
    segments: list[SpeechSegment] = []
    for start in range(0, len(audio), _BLOCK_SAMPLES):
        segments.extend(cutter.feed(audio[start : start + _BLOCK_SAMPLES], start / AUDIO_RATE_HZ))
    segments.extend(cutter.close())
    starts = [segment.start_s for segment in segments if segment.first]
    stops = [segment.end_s for segment in segments if segment.final]
    return list(zip(starts, stops, strict=True))


def _sample(time_s: float) -> int:
    return round(time_s * AUDIO_RATE_HZ)


def _labelled(seed: int, planned: Utterance, samples: FloatArray) -> LabelledUtterance:
    expressed = np.array((planned.valence, planned.arousal), np.float32)
    return LabelledUtterance(samples.copy(), CLASSES.index(planned.label), seed, expressed)


def _count_missed(overlaps: Sequence[NDArray[np.float64]], count: int) -> int:
    return count - int((np.array(overlaps).reshape(-1, count) > 0.0).any(axis=0).sum()) if count else 0


def _score_detection(
    truth: NDArray[np.float64], found: Sequence[tuple[float, float]], seconds: float, missed: int, false: int
) -> VoiceActivityScores:
    times_s = (np.arange(int(seconds * _GRID_HZ)) + 0.5) / _GRID_HZ
    spoken, detected = np.zeros((2, len(times_s)), np.bool_)
    for marks, spans in ((spoken, truth), (detected, found)):
        for start, stop in spans:
            marks |= (times_s >= start) & (times_s < stop)
    recall = float(detected[spoken].mean()) if spoken.any() else 1.0
    false_alarm = float(detected[~spoken].mean()) if not spoken.all() else 0.0
    return VoiceActivityScores(recall, false_alarm, missed, false)
