"""Corpora of emotional speech as their authors distribute them."""
