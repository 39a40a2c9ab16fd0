"""Small programs of ours that run on the hosts with the standard library alone."""
