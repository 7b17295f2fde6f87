"""The read-only page of running engines for browsers: what it says, how it is served, its process."""
