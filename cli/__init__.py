"""The handrail command: one module per command, loaded by name."""
