"""The ways to search: least squares, gradient descent, and the grid that they replace."""
