"""What a lab reads from an oscillator, simulated or measured: resistance, voltage, spectrum, frequency, phase."""
