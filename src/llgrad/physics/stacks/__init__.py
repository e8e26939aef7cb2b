"""Stacks of layers that feel each other: what couples them, tensors of their stray fields, and the system they are."""
