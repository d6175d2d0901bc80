"""Tables and SQL; the tenant-scoped unit of work."""
