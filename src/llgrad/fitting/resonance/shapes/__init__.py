"""Shapes of a resonance line, the choice between them by evidence, and whether a shape explains a line at all."""
