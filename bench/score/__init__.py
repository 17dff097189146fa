"""Score images from other programs: reading, pairing, protocols, output files."""
