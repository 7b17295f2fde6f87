"""The terminal dashboard, and the texts and history that all screens use."""
