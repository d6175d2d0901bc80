"""Meeting statuses, outcomes and slots."""
