"""What oscilloscopes write in binary: headers as their makers published them, samples mapped from the file."""
