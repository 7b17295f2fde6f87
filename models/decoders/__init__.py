"""From a bundle and windows of samples to probabilities."""
