"""A host on which nothing is ever installed."""
