"""Unit tests of rollouts."""
