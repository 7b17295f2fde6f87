"""Figures of evaluations, painted into PNG files in the window's colours."""
