"""What there is at many points, found side by side: orbits, ends of runs, states at rest."""
