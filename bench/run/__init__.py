"""From a request to result files: plan, workers, rounds, progress, and the same on many machines."""
