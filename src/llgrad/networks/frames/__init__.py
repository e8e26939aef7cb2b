"""Signals of many frames: how they are given, passed through an array, and gone back through by a gradient."""
