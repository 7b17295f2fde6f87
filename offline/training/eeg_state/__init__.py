"""Training of states of mind from the EEG alone."""
