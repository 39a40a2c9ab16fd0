"""Socle's tests."""
