"""What an optimum tells."""
