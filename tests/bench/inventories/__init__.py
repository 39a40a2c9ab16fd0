"""Environments of the benchmarks' own, in the shapes of dev and test."""
