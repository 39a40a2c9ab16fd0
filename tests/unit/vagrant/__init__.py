"""Unit tests of vagrant/."""
