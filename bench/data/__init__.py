"""Data sets: making them, indexing them, checking them, decoding them."""
