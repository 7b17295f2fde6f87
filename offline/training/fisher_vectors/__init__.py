"""Fisher vectors of a Gaussian mixture over the low-level descriptors of a voice."""
