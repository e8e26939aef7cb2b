"""`llgrad cache` and `llgrad doctor`: what is kept between runs, and whether llgrad works as it is installed here."""
