"""Commands about where a device rests, and where that changes."""
