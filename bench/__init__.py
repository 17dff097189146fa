"""Measuring, judging and showing: the benchmark around the networks."""
