"""Events that several devices notice, and the delays between them."""
