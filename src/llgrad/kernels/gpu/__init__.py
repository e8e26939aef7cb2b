"""Passes on a GPU: one thread a trajectory, the whole time loop in one launch."""
