"""Published devices, one file for each kind; `named.py` is the table of them."""
