"""Open recordings for a screen: facts at once, samples by stretches of time."""
