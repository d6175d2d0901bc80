"""Meeting slots and outcomes, without a database."""
