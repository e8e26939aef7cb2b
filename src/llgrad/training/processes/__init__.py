"""A run that is shared out over several processes."""
