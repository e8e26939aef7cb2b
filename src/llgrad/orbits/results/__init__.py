"""What a limit cycle tells: multipliers, noise, spectra, locking, harmonics."""
