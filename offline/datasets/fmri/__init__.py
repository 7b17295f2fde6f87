"""Functional MRI of several people who perceived the same stimulus."""
