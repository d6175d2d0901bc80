"""Use cases, held against a real PostgreSQL."""
