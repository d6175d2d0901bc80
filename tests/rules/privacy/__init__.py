"""Privacy rules, as examples."""
