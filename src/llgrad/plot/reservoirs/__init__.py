"""Pictures of reservoirs."""
