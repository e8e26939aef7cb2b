"""What is on the bench: oscillators, junctions, arrays and the coupling between oscillators."""
