"""Saved histories replayed on the present code."""
