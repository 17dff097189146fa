"""The gate's measuring side: two revisions in resident processes, one of which computes at any moment.

Nothing here decides anything: what was measured is left in result files, which `bench.judge` reads.
"""
