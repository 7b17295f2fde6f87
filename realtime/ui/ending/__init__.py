"""The end of a session: the question before it, and what there is afterwards."""
