"""Layer names of the authors' LLPackNet checkpoints of 2020 and 2022."""

from __future__ import annotations

from baselines.published import Dialect, prefixed


def _dense(layers: int) -> dict[str, str]:
    names = {f"dense_layers.{index}.conv": f"layers.{index}" for index in range(layers)}
    return {**names, "conv_1x1": "fuse"}


_TRUNK = {
    **{f"RDB{plane}": f"planes.{index}" for index, plane in enumerate(("r", "g1", "g2", "b"))},
    "before_identity": "merge",
    "after_rdb": "gather",
    **{
        published: own
        for index in range(3)
        for published, own in prefixed(f"RDB{index + 1}.", _dense(6), f"blocks.{index}.").items()
    },
    **prefixed("final.1.", _dense(6), "fine_block."),
    "final.2": "out",
}
_HISTOGRAM = {"conv_post.0": "hidden", "conv_post.1": "out"}
_CONVOLUTION = {"conv_pre.0": "features", **_HISTOGRAM}

# The convolutional amplifier's published layer names.
CONV_AMPLIFIER = prefixed("amplifier.", _CONVOLUTION, "amplifier.")

# In the 2022 release every layer is wrapped once more.
_WRAPPED = {f"{published}.0": own for published, own in _TRUNK.items()}

DIALECTS = {
    "llpacknet": (Dialect("the authors' 2022 release", _WRAPPED),),
    "llpacknet-2020": (
        Dialect("the authors' 2020 release", {**prefixed("amplifier.", _HISTOGRAM, "amplifier."), **_TRUNK}),
    ),
    "llpacknet-2020-conv": (Dialect("the authors' 2020 ablation", {**CONV_AMPLIFIER, **_TRUNK}),),
    "llpacknet-pixelshuffle": (Dialect("the authors' 2020 ablation", {**CONV_AMPLIFIER, **_TRUNK}),),
}
