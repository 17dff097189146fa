"""Verdicts, from result files only."""
