"""From a trace to device parameters: the problem, the methods that solve it, and an answer with errors."""
