"""Tests of rules, attendance."""
