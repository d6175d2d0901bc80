"""The ladder in virtual time, over fake ports."""
