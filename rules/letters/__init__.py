"""Letter templates as data: restricted markup, merge fields, block model."""
