"""Data from lab files: traces and waveforms as CSV, in SI units inside."""
