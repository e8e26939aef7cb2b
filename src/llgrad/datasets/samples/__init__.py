"""What a network can learn from: images, signals with a class, and signals with a course that is wanted of them."""
