"""Between an engine and its screens: the local channel, the runtime folder, snapshots."""
