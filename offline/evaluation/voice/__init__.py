"""How a voice recogniser does that adapts to the speaker without labels."""
