"""What is periodic or at rest, found directly and not by waiting: limit cycles, and what they tell."""
