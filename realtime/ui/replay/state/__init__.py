"""What the replay page shows, computed without Qt: where it is, what is read, curves and ratings."""
