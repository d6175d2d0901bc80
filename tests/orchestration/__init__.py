"""Temporal's edge: codec, relay, schedules and reconciler."""
