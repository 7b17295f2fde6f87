"""Measure the devices' delays with flashes, beeps and blinks."""
