"""Tests of deploy/operations: what a host is, and what is sent to it then."""
