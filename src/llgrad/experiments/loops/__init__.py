"""Quasi-static experiments: a device at rest while a field, a current or an angle is swept slowly, up and back."""
