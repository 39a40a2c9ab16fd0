"""Where: hosts, groups, and what reaching an environment takes."""
