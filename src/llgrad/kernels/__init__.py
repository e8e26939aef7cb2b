"""Steppers, and the compiler that turns one right-hand side into native time loops."""
