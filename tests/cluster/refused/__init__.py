"""The shared environment, with documents that their programs refuse."""
