"""What a host is asked."""
