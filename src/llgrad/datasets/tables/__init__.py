"""Tables of numbers in text files: how they are laid out, and what their columns are."""
