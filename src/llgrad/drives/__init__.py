"""What is applied to a device in the course of time: currents and fields as differentiable functions of time."""
