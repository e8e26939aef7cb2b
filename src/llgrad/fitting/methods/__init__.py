"""The ways to search: guesses first, then least squares, gradient descent, or the grid that they replace."""
