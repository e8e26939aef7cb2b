"""Signals that are at one of several levels."""
