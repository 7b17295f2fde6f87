"""The video-EEG attention LSTM, stage by stage."""
