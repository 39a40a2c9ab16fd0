"""No I/O, seconds."""
