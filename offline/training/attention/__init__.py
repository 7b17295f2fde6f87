"""Training of the attention model on ticks."""
