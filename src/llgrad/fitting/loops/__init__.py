"""Fits of measured loops: on which branch each point was measured, and how the branches follow the parameters."""
