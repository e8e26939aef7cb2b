"""S parameters of a network analyser, from Touchstone files."""
