"""Real hosts that boot systemd, one story a file."""
