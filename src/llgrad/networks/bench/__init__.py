"""A network as it stands on the bench: settings, time line, read-out, and the design of all of it as files."""
