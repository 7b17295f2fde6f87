"""Corpora of EEG, and of face video beside it, with valence and arousal: one module each.

Each has ``found_in(root)``, whether a folder has its layout, and ``read(root)``, which returns the dataset.
"""
