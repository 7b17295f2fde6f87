"""Metrics, splits without leakage, and the tables of results."""
