"""Where the images and signals of a command come from."""
