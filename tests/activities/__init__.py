"""Activities, run as Temporal runs them, on real servers."""
