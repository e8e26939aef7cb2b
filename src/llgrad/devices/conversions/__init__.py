"""Devices of other programs: from their argument names, units and signs to llgrad's record."""
