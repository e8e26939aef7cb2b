"""Branches of limit cycles over one number of a device."""
