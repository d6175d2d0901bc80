"""Typed activity stubs: input and output models per capability."""
