"""What functions are given."""
