"""How fixed points move as a number of the device changes, and where they appear, vanish, or begin to oscillate."""
