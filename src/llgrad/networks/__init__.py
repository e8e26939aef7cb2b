"""Coupled arrays that compute: encoder, oscillators, read-out, and the design that a lab would set up."""
