"""Deterministic Temporal workflows; they import rules and their own ports only."""
