"""The report of a recorded session: one page of HTML that needs nothing else."""
