"""The cases of `benchmarks/identification.py`: fits of synthetic teachers and of one measurement, with their bars."""
