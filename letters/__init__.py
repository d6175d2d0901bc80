"""Rendering: template and merge data -> PDF bytes."""
