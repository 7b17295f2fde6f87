"""Benches of the live path: each runs its load in child processes and gives plain figures."""
