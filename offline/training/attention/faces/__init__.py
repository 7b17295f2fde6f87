"""The face network of the attention model: what faces express, faces under a cap, a frozen backbone."""
