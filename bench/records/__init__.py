"""What is measured and how it is kept: cells, jobs, protocols, tiers, result files, provenance."""
