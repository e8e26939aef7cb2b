"""Pictures of where a device rests, and where that changes."""
