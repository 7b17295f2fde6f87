"""Publish a recording over LSL on its own timeline."""
