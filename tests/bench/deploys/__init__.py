"""Deploy files to compare a whole run with."""
