"""Harmonic Hall voltages: what an alternating current does to the transverse voltage, and what it tells of torques."""
