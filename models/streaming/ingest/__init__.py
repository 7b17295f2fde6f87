"""From a source to its ring: connection, time stamps, gaps, preprocessing and health; no threads."""
