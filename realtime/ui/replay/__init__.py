"""The page on which a recorded session is replayed, decoded again and rated."""
