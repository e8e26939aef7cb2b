"""Files of instruments that hold channels of samples: what each holds, and the trace in it, a window at a time."""
