"""Pure numpy and scipy preprocessing with explicit state: no torch, no files, no threads."""
