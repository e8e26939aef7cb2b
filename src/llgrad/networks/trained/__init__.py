"""A network as training sees it: unbounded numbers, and the settings within limits that they stand for."""
