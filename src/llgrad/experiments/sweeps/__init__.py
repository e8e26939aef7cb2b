"""Orbits of one device over one or two of its parameters: sweeps and phase diagrams."""
