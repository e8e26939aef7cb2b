"""What a study says of its population: means, spreads and correlations of true values, and who is none of it."""
