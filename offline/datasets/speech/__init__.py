"""Corpora of emotional speech, one file each; see :mod:`..open_corpus` for what a corpus defines."""
