"""Verdicts from result files alone."""
