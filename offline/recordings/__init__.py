"""Session folders, XDF, EEG files, films and sound files as recordings."""
