"""Thermally agitated devices with several stable states: switching by a pulse, error rates, dwell times."""
