"""The best device: aims and limits in, settings and what they hang on out."""
