"""What a fit of a system of one's own needs to know of it."""
