"""Tables of field sweeps: their columns, the frequencies in their names, and which columns belong together."""
