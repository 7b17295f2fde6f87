"""The engine process: sources, rings, decoder and outlets of one live session."""
