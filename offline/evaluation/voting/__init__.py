"""Evaluation of what several brains say together of one stimulus, blocks of time left out."""
