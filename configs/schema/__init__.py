"""The schemas that check a config, the errors that name the cure, and what a session folder holds."""
