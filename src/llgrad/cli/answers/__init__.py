"""Commands and options that follow a fit: its report, and what to measure next."""
