"""Pure decisions: data in, decision out; no clock, no I/O, no framework."""
