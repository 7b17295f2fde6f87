"""Training of the attention model on corpora: trials prepared, features of trials, and a face network from labels."""
