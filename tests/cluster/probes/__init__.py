"""Programs that run on a host of the fleet, with nothing but Python's own library."""
