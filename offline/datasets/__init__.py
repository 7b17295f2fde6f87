"""Datasets of labelled trials: corpora as their authors distribute them, and simulated people."""
