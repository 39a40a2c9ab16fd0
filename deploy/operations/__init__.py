"""What is done to a host, named by the state it leaves."""
