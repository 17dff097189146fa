"""Restoring a user's own photographs: `llbench restore`."""
