"""Request and response bodies per capability."""
