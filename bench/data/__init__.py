"""Data sets: generating, indexing, checking and decoding them."""
