"""Junctions in electrical circuits: sources, loads, series and parallel, solved exactly at every moment."""
