"""Where a slope and its derivatives are cut in two."""
