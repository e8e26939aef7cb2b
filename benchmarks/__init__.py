"""Benchmarks: ratios against peers and against hand-written code, in one run. Run with `make bench`."""
