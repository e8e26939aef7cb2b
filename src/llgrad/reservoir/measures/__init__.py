"""What states of a signal are worth, whatever they will be read for."""
