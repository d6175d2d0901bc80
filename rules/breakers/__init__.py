"""Breakers: when a school-day or a batch of proposals looks wrong, and the cause in words (safeguards.md section 7)."""
