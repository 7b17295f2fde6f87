"""Training of networks of each listener and of the networks that fuse them."""
