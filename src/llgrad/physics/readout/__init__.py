"""How a current in the plane reads the magnetisation: magnetoresistances, Hall effects, and the bar that shows them."""
