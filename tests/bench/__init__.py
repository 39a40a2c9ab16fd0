"""Figures, run by hand."""
