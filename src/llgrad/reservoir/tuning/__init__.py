"""Reservoirs tuned: by the gradient of a loss through the ridge regression, and by a grid for comparison."""
