"""The baselines, each in a folder of its own, and the registry that names them."""
