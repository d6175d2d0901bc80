"""Referrals: when one is ready to be sent, and what became of it."""
