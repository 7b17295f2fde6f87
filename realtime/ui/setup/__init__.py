"""The set-up page: devices, electrodes, models and the session, before it begins."""
