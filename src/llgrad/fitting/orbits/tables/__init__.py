"""Tables of orbits, and how they are read from the files of a lab."""
