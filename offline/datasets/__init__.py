"""Corpora of emotional speech as their authors distribute them: which files there are, and what each one is."""
