"""Pictures of what is best."""
