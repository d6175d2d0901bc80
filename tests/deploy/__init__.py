"""Tests of the parts under deploy."""
