"""Find and remove everything that belongs to one person."""
