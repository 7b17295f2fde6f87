"""From samples to an estimate at a data time: the same code live and from recordings; no threads, no devices."""
