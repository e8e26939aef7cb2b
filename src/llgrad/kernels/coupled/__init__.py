"""Coupled arrays in native code: the same physics as an uncoupled run, and one product with the weights per stage."""
