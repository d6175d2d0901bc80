"""Side effects behind the workflow ports: thin, idempotent shells over services."""
