"""Arrays from geometry: stray fields between members at positions, and positions that keep apart."""
