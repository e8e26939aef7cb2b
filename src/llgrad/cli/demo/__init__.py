"""`llgrad demo` and the synthetic trace that it is about."""
