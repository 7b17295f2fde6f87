"""Utterances of simulated people to learn speech from, found and cut exactly as they are live."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....models.contract import AUDIO_RATE_HZ, FloatArray, SpeechSegment
from ....models.decoders.speech import UtteranceCutter
from ....models.decoders.voice_activity import VoiceActivity
from ...simulate.difficulty import Difficulty
from ...simulate.latents import feel
from ...simulate.voice import Utterance, plan_voice, record_voice

CLASSES = ("anger", "happiness", "neutral", "sadness")
_BLOCK_SAMPLES = AUDIO_RATE_HZ
_GRID_HZ = 100


@dataclass(frozen=True)
class Spoken:
    """One utterance that voice activity found.

    Attributes
    ----------
    person : int
        Seed.
    label : int
        Index into ``CLASSES`` of the simulated utterance that it overlaps most.
    expressed : (2,) float32
        Valence and arousal that this voice expresses there, which is more than its label says.
    samples : (n,) float32
        As recorded.
    """

    person: int
    label: int
    expressed: FloatArray
    samples: FloatArray


@dataclass(frozen=True)
class Hearing:
    """How well voice activity did over one person's session.

    Attributes
    ----------
    recall, false_alarm : float
        Share of the spoken and of the silent time that was taken for speech.
    missed, false : int
        Simulated utterances that nothing was found of, and found ones where nobody spoke.
    """

    recall: float
    false_alarm: float
    missed: int
    false: int


def hear(seed: int, seconds: float, difficulty: Difficulty, voice: VoiceActivity) -> tuple[list[Spoken], Hearing]:
    """Simulate one person's voice and find the utterances in it."""
    latents = feel(seed, seconds, difficulty)
    planned = plan_voice(seed, seconds, latents, difficulty)
    audio = record_voice(seed, seconds, planned, difficulty)
    found = listen(audio, voice)
    truth = np.array([(one.start_s, one.stop_s) for one in planned]).reshape(-1, 2)
    overlaps = [np.minimum(stop, truth[:, 1]) - np.maximum(start, truth[:, 0]) for start, stop in found]
    spoken = [
        _spoken(seed, planned[int(np.argmax(overlap))], audio[_sample(start) : _sample(stop)])
        for (start, stop), overlap in zip(found, overlaps, strict=True)
        if overlap.max(initial=0.0) > 0.0
    ]
    return spoken, _compare(truth, found, seconds, missed=_unmet(overlaps, len(planned)), kept=len(spoken))


def listen(audio: FloatArray, voice: VoiceActivity) -> list[tuple[float, float]]:
    """Give start and end in seconds of every utterance in a recording."""
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


def _spoken(seed: int, said: Utterance, samples: FloatArray) -> Spoken:
    expressed = np.array((said.valence, said.arousal), np.float32)
    return Spoken(seed, CLASSES.index(said.label), expressed, samples.copy())


def _unmet(overlaps: Sequence[NDArray[np.float64]], count: int) -> int:
    return count - int((np.array(overlaps).reshape(-1, count) > 0.0).any(axis=0).sum()) if count else 0


def _compare(
    truth: NDArray[np.float64], found: Sequence[tuple[float, float]], seconds: float, missed: int, kept: int
) -> Hearing:
    times_s = (np.arange(int(seconds * _GRID_HZ)) + 0.5) / _GRID_HZ
    spoken, heard = np.zeros((2, len(times_s)), np.bool_)
    for marks, spans in ((spoken, truth), (heard, found)):
        for start, stop in spans:
            marks |= (times_s >= start) & (times_s < stop)
    recall = float(heard[spoken].mean()) if spoken.any() else 1.0
    false_alarm = float(heard[~spoken].mean()) if not spoken.all() else 0.0
    return Hearing(recall, false_alarm, missed, len(found) - kept)
