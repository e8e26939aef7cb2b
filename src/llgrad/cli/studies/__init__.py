"""`llgrad study`, and `llgrad fit` of a folder."""
