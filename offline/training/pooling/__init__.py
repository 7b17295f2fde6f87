"""Fit the opinion pool of face, EEG and voice."""
