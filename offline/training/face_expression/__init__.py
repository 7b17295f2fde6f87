"""Training of the face-expression network on real faces."""
