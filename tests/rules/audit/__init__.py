"""How the audit trail is told."""
