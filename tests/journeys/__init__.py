"""Whole stories of one case: everything real but time."""
