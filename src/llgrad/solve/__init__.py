"""simulate(), and the engines that integrate the same equation of motion."""
