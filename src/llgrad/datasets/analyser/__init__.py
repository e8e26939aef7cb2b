"""What spectrum analysers write: units of levels, and the settings in a preamble."""
