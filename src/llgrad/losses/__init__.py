"""How far a prediction is from its target: plain functions of arrays."""
