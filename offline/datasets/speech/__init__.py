"""Corpora of emotional speech, one file each; see :mod:`..open` for what a corpus defines."""
