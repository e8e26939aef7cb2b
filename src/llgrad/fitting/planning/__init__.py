"""What to measure next: the candidates, and how much each would tell."""
