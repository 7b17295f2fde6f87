"""Shared by trainings: optimisation, checkpoints, stages, cards, ridge regression."""
