"""Newton's method for closed orbits, all of it one kernel: what is left beside the steps is too little for programs."""
