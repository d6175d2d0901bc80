"""Support plans: what a family and the school agree to do, in the family's words."""
