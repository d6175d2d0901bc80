"""Use cases: (session, actor, command) -> result; one transaction; each writes its audit entry."""
