"""The window of several participants: a tile for each engine, and the live page of the one that is chosen."""
