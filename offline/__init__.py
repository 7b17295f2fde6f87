"""Recordings, simulated participants, training, evaluation and replay."""
