"""Corpora of physiological signals, one module each: ``read(root)`` returns the dataset."""
