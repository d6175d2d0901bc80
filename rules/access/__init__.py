"""Who may do what: one pure policy with reasons."""
