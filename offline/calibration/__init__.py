"""A bundle adapted to one person: from a rest and a few labelled minutes, kept only where it was better."""
