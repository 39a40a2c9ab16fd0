"""From one environment to the next: what is the same in both, and what passed in the first."""
