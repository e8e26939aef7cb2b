"""What currents in the neighbourhood and voltages do to a layer: spin–orbit torque, Oersted field, voltage control."""
