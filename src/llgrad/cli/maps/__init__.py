"""Commands about a device over ranges of its numbers."""
