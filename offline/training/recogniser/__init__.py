"""The speech recogniser: a linear model on summaries of utterances."""
