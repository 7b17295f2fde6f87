"""Run an experiment's protocol: what is to be shown at each time, which markers are sent, what is asked."""
