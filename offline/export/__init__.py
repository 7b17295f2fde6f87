"""Export a recorded session into formats that other programs read."""
