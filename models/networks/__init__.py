"""One architecture per file, with its paper."""
