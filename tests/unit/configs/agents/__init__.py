"""The small programs that run on the hosts."""
