"""XDF files, as LabRecorder and the recorder write them."""
