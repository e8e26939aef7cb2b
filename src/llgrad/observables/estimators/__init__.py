"""How a tone is searched for, and how a line in noise and a phase that diffuses are estimated."""
