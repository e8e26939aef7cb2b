"""From a JAX right-hand side to straight-line source: algebra, common subexpressions, hoisting, text."""
