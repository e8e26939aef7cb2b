"""Oscillators that are told by few numbers: a vortex core, and the amplitude of any auto-oscillator."""
