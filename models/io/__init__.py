"""Reading and writing: bundles, rings, journals, XDF, stream descriptions, files."""
