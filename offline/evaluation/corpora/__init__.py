"""Evaluation of the attention model on corpora of felt valence and arousal."""
