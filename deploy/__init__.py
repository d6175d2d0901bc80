"""Everything that runs Handrail somewhere."""
