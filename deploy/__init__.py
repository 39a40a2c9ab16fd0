"""Effects on hosts, one phase a file."""
