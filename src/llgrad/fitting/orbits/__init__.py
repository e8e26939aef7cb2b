"""Fits of what an orbit tells: which orbits a table's rows are of, and how they follow the parameters."""
