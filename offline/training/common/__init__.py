"""What trainings share: steps, checkpoints, worker processes, ridge regression."""
