"""Where nothing moves: fixed points, their stability, how they ring, and where they appear and vanish."""
