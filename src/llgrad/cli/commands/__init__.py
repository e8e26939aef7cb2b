"""What all commands have in common: their options in groups by task, and from a file."""
