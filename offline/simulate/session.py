"""Whole simulated sessions: one person, one seed, all modalities."""

from dataclasses import dataclass

import numpy as np

from ...configs.schema.errors import MoodringError
from ...models.contract import AUDIO_RATE_HZ, SIMULATED, Recording, Signal, Video
from .difficulty import BENCHMARK, Difficulty
from .eeg import EEG_RATE_HZ, record_eeg
from .face import FRAME_RATE_HZ, FRAME_SIDE, SimulatedFace
from .face_plan import FacePlan, plan_face
from .head import CHANNEL_NAMES
from .latents import Latents, Presentation, feel, markers, truth
from .voice import Utterance, mouth_at, plan_voice, record_voice

# A start other than zero shows where session time and clock time were mixed up; a power of two keeps stamps exact.
T0_S = 64.0


@dataclass(frozen=True)
class SimulatedSession:
    """One simulated session with what lies behind it.

    Attributes
    ----------
    recording : Recording
        What devices would have recorded, with ground truth.
    latents : Latents
    face_plan : FacePlan
    face : SimulatedFace
        The recording's frames; knows what each one expresses.
    utterances : tuple of Utterance
        With start and stop from the session's start, and label.
    presentations : tuple of Presentation
    """

    recording: Recording
    latents: Latents
    face_plan: FacePlan
    face: SimulatedFace
    utterances: tuple[Utterance, ...]
    presentations: tuple[Presentation, ...]


def simulate(seed: int, duration_s: float, difficulty: Difficulty = BENCHMARK) -> Recording:
    """Simulate one person's session; the same arguments give the same recording.

    Parameters
    ----------
    seed : int
        Of the person, at least 0.
    duration_s : float
        At least 4 s. Rest takes the first 20 s, or a quarter of a session shorter than 80 s.
    difficulty : Difficulty

    Returns
    -------
    Recording
        EEG (32 channels, 256 Hz), face (25 fps, drawn when read), voice (16 kHz) and truth (8 Hz).

    Raises
    ------
    MoodringError
        When the seed is negative or the session too short.
    """
    return simulate_parts(seed, duration_s, difficulty).recording


def simulate_parts(seed: int, duration_s: float, difficulty: Difficulty = BENCHMARK) -> SimulatedSession:
    """Simulate as `simulate` does and keep what lies behind the recording: latents, expressions, utterances."""
    if seed < 0:
        raise MoodringError(f"Expected a seed of 0 or more, got {seed}. Choose another seed.")
    if not duration_s >= 4.0:
        raise MoodringError(f"Expected a simulated session of at least 4 s, got {duration_s:g} s. Ask for more.")
    latents = feel(seed, duration_s, difficulty)
    plan = plan_face(seed, duration_s, latents, difficulty)
    spoken = plan_voice(seed, duration_s, latents, difficulty)
    eeg = record_eeg(seed, duration_s, latents, plan, difficulty)
    audio = record_voice(seed, duration_s, spoken, difficulty)
    frames_s = np.arange(int(np.floor(duration_s * FRAME_RATE_HZ))) / FRAME_RATE_HZ
    face = SimulatedFace(seed, frames_s, plan, mouth_at(spoken, frames_s), difficulty)
    person = f"sim-{seed:04d}"
    recording = Recording(
        name=f"{person}-{difficulty.name}",
        participant=person,
        origin=SIMULATED,
        t0_s=T0_S,
        rest_s=latents.rest_s,
        eeg=Signal(eeg, T0_S + np.arange(len(eeg)) / EEG_RATE_HZ, EEG_RATE_HZ, CHANNEL_NAMES, "simulated EEG"),
        face=Video(face, T0_S + frames_s, FRAME_RATE_HZ, FRAME_SIDE, FRAME_SIDE, "simulated face"),
        speech=Signal(
            audio[:, None],
            T0_S + np.arange(len(audio)) / AUDIO_RATE_HZ,
            float(AUDIO_RATE_HZ),
            ("mono",),
            "simulated voice",
        ),
        truth=truth(latents, T0_S, duration_s),
        markers=markers(latents, T0_S),
    )
    return SimulatedSession(recording, latents, plan, face, spoken, latents.presentations)
