"""The gate: two revisions take turns on one machine; a verdict on time, memory and images."""
