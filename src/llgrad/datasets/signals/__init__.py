"""Labelled signals: what they are, how they are read, divided, and seen through a front end."""
