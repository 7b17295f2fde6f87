"""The live page: what a window shows of a running engine, without Qt, and the window itself."""
