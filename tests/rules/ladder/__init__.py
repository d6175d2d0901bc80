"""The ladder's pure rules."""
