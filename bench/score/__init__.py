"""Scoring pictures made elsewhere: reading, pairing, every protocol, files."""
