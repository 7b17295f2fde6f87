"""EEG: the causal chain, channel quality, band power, montages and scalp images."""
