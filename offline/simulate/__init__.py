"""The simulated participant: latent emotion, EEG, face and voice."""

from .difficulty import BENCHMARK, EASY, Difficulty
from .simulated_session import SimulatedSession, simulate, simulate_parts
from .voice import speech_label

__all__ = ["BENCHMARK", "EASY", "Difficulty", "SimulatedSession", "simulate", "simulate_parts", "speech_label"]
