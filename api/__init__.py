"""HTTP: security, dependencies, errors, routes and schemas."""
