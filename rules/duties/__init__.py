"""Duties beside the ladder: what the law asks within a deadline, whatever became of a case."""
