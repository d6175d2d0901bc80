"""The demo district in parts: dates, people, families, registers, stories and the writer."""
