"""Signals with targets: what reservoirs are asked to do."""
