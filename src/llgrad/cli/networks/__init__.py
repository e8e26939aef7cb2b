"""Commands about networks: training, and what a trained one is good for."""
