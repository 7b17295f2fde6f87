"""Decode recordings as fast as possible, compare decodings, and predict from files."""
