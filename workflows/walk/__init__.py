"""The steps of a walk: each asks its port and hands the answer to a pure transition."""
