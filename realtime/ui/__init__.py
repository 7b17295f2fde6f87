"""Qt screens: thin widgets that read one immutable snapshot."""
