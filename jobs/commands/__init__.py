"""What can be done with a job on the command line: one command a file."""
