"""A network that llbench finds by its entry point."""

from llbench_tiny.network import Tiny, tiny

__all__ = ["Tiny", "tiny"]
