"""One source per kind of device: poll() gives a chunk or nothing."""
