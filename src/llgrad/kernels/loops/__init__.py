"""Source of the time loops: the forward, tangent and adjoint pass of a right-hand side, over tiles of trajectories."""
