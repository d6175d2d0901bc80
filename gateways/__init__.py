"""The outside world: protocols in ports.py and one real adapter each."""
