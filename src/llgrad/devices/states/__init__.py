"""The components of a state by name."""
