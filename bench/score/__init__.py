"""Score pictures from other programs: reading, pairing, protocols, output files."""
