"""Ferromagnetic resonance and spin diode against the field, forward, for any device at rest."""
