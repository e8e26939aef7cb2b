"""Pictures of a study: distributions and wafer maps."""
