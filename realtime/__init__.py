"""The engine: sources, rings, decoder, session, and the screens that attach to it."""
