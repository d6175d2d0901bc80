"""Who may do what, as examples."""
