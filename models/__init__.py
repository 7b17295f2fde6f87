"""Models: signals, networks, decoders, fusion and the decision core, shared by training, live and offline decoding."""
