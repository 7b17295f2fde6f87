"""Evaluation of video-EEG models on simulated people, and of their policies of looks."""
