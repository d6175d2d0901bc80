"""Tables and unit of work, held against a real PostgreSQL."""
