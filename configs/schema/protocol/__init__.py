"""The schema of an experiment's protocol, and its includes."""
