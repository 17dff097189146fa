"""A folder in SID's layout: indexed, paired, checked."""
