"""Joule heating: a device with its temperature as part of its state, and what depends on it."""
