"""Faults of every kind against the production server: `python -m bench.faults [name …]` (bench/README.md, Faults)."""
