"""Sets of labelled images to learn from: digits, MNIST, Fashion-MNIST and your own, and how they are varied."""
