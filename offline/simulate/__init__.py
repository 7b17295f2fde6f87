"""The simulated participant: latent emotion, EEG, face and voice."""
