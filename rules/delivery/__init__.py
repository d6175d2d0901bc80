"""Delivery statuses and lock-screen wording rules."""
