"""Record a live session into a folder that survives the death of any process."""
