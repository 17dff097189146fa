"""The methods under comparison: one folder each, and the registry that names them."""

from baselines.registry import create, names, spec, weights_path

__all__ = ["create", "names", "spec", "weights_path"]
