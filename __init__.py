"""Emotion decoded in real time from EEG, face video and speech."""

__version__ = "0.1.0"
