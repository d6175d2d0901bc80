"""The HTTP API on a real database: anonymous, other tenant, wrong role, allowed."""
