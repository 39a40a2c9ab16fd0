"""Pure: the typed environment, and functions from it to documents."""
