"""What lets a first run begin sooner."""
