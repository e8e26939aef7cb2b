"""What all commands have in common: their table, their options in groups by task and from a file, their completion."""
