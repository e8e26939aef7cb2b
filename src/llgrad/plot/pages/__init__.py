"""Pages that a browser shows and a printer prints: one file each, with all that it needs inside."""
