"""Vectorised (numpy) forms over whole districts: evaluate and metrics."""
