"""The ``moodring`` command: the only place that puts the other packages together."""

from .app import main

__all__ = ["main"]
