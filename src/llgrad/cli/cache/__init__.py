"""`llgrad cache`: what is kept between runs."""
