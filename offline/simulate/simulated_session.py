"""Whole simulated sessions: one person, one seed, all modalities."""

from dataclasses import dataclass

import numpy as np

from ...configs.schema.errors import MoodringError
from ...models.contract import AUDIO_RATE_HZ, SIMULATED, Recording, Signal, Video
from .difficulty import BENCHMARK, Difficulty
from .eeg import EEG_RATE_HZ, simulate_eeg
from .face import FRAME_RATE_HZ, FRAME_SIDE, SimulatedFace
from .face_plan import FacePlan, plan_face
from .head_model import CHANNEL_NAMES
from .latents import Latents, Presentation, ground_truth, session_markers, simulate_latents
from .voice import Utterance, mouth_opening, plan_voice, render_voice

# A start other than zero shows where session time and clock time were mixed up; a power of two keeps stamps exact.
T0_S = 64.0


@dataclass(frozen=True)
class SimulatedSession:
    """One simulated session with the variables that generated it.

    Attributes
    ----------
    recording : Recording
        Signals as devices would record them, with ground truth.
    latents : Latents
    face_plan : FacePlan
    face : SimulatedFace
        The recording's frames and their expressions.
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
        The seed is negative or the session too short.
    """
    return simulate_parts(seed, duration_s, difficulty).recording


def simulate_expressions(seed: int, duration_s: float, difficulty: Difficulty = BENCHMARK) -> FacePlan:
    """Return what the face of :func:`simulate`'s person expresses when, without drawing it."""
    return plan_face(seed, duration_s, simulate_latents(seed, duration_s, difficulty), difficulty)


def simulate_parts(seed: int, duration_s: float, difficulty: Difficulty = BENCHMARK) -> SimulatedSession:
    """Simulate like :func:`simulate` and return also latents, expressions and utterances."""
    if seed < 0:
        raise MoodringError(f"Expected a seed of 0 or more, got {seed}. Choose another seed.")
    if not duration_s >= 4.0:
        raise MoodringError(f"Expected a simulated session of at least 4 s, got {duration_s:g} s. Ask for more.")
    latents = simulate_latents(seed, duration_s, difficulty)
    plan = plan_face(seed, duration_s, latents, difficulty)
    utterances = plan_voice(seed, duration_s, latents, difficulty)
    eeg = simulate_eeg(seed, duration_s, latents, plan, difficulty)
    audio = render_voice(seed, duration_s, utterances, difficulty)
    frames_s = np.arange(int(np.floor(duration_s * FRAME_RATE_HZ))) / FRAME_RATE_HZ
    face = SimulatedFace(seed, frames_s, plan, mouth_opening(utterances, frames_s), difficulty)
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
        truth=ground_truth(latents, T0_S, duration_s),
        markers=session_markers(latents, T0_S),
    )
    return SimulatedSession(recording, latents, plan, face, utterances, latents.presentations)
