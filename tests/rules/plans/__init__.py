"""Rules of support plans, as examples."""
