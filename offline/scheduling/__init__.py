"""Work that is done in parts, here or on a cluster, each part kept as it ends."""
