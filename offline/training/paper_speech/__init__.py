"""The CNN + LSTM on raw waveforms and its baselines, as published."""
