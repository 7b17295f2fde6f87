"""Hard attention and band attention of one bundle taken apart on simulated people."""
