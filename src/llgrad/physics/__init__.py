"""The physics of the macrospin: one effective field per file, the LLG line, the thermal field."""
