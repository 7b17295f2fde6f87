"""Training of one network on faces and voices in stages (Nguyen et al. 2020)."""
