"""Domain events as the world sees them: which there are, what each carries, when a delivery is tried again."""
