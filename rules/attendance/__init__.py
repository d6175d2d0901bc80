"""Register semantics: codes, marks, session statuses, day summaries and data quality (attendance.md)."""
