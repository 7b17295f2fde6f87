"""Show a protocol: the participant's window in a process of its own, and the experimenter's row in the live window."""
