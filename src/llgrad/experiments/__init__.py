"""What is measured on a device at its settings: its static state, its resonance, its rectified voltage."""
