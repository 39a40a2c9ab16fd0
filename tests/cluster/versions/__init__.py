"""A fleet of two, and a program that comes in versions."""
