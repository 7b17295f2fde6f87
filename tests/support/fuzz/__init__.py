"""Seeded hostile inputs, and the worker that runs them."""
