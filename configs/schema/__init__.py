"""Schemas of configs, errors, and the names and version of a session folder's files."""
