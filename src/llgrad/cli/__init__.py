"""The command `llgrad`: quantities with units in; tables, files and pictures out. Only it knows typer and rich."""
