"""The embedded stack: real servers on loopback under one supervisor."""
