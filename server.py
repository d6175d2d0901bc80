"""Composition root: filled by the capabilities that need it."""
