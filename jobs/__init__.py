"""What runs on the platform, one job a file."""
