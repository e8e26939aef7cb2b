"""The limit cycle of an oscillator: shooting over one period, and everything that its linearisation tells."""
