"""Sets of labelled faces, one module each: ``read(root)`` returns them."""
