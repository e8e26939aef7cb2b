"""Networks trained by gradient descent: the recipe, the step, the loop, and the folder in which a run is kept."""
