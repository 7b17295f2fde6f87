"""The engine on a terminal, and what every screen says and remembers."""
