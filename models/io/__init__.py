"""What both rooms read and write: bundles, rings, journals, XDF, and descriptions of streams."""
