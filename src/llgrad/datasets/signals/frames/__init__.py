"""Frames of signals normalised, extended by their slopes, trimmed, and changed at random for training."""
