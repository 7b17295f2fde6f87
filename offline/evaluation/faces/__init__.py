"""Evaluation of face-expression bundles on labelled faces, as they are and as cameras and caps change them."""
