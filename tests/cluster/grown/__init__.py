"""The shared environment once it has grown."""
