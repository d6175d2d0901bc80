"""One module of routes per capability."""
