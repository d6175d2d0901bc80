"""Temporal's edge: client, codec, outbox relay, schedules, reconciler, typed handles."""
