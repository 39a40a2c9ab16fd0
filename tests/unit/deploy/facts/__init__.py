"""Tests of deploy/facts: what a host says is read rightly."""
