"""What `python -m benchmarks.fuzz` is made of: good files, what damages them, readers, and what is a fault."""
