"""Speech: segments, voice measures, whose voice it is, and what is wrong with a microphone."""
