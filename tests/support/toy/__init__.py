"""A system that a lab could add by files alone: skin conductance at 10 Hz, and stress from it."""
