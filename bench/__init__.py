"""Measurements: each module is one command, and prints its table."""
