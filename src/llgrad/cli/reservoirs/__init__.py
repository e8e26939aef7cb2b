"""Reservoirs on the command line."""
