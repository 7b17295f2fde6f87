"""Fusion of outputs: the circumplex, opinion pools and conformal sets."""
