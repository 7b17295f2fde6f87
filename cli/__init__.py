"""The ``moodring`` command: thin, and the only place where the rooms are put together."""

from .app import main

__all__ = ["main"]
