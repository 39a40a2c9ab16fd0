"""Nomad's job specification and API."""
