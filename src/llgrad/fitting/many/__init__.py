"""Fits of many recordings of one kind of device, in batches."""
