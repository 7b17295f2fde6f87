"""The speech network on simulated people."""
