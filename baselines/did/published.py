"""Layer names of published DID checkpoints."""

from __future__ import annotations

from baselines.published import Dialect

BLOCKS = 32

_LAYERS = {
    "head.0": "head",
    **{
        f"body.{index}.body.{place}": f"blocks.{index}.{own}"
        for index in range(BLOCKS)
        for place, own in ((0, "first"), (2, "second"))
    },
    f"body.{BLOCKS}": "gather",
    "tail.0.0": "widen",
    "tail.1": "out",
}

# The published code builds a squeeze-and-excitation block into every residual block and never calls it.
DIALECTS = {
    "did": (
        Dialect("the configuration behind the published tables", _LAYERS, ignored=r"body\.\d+\.squeeze\..*"),
    )
}
