"""From recordings to model bundles."""
